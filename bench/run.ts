/**
 * npm run bench -- <suite>: measures a suite and prints its figures and gates.
 * Exit codes: 0, also when a gate is missed; 1 with --gate when one is; 2 when something could not
 * be measured, with --gate also when a gate was not; 64 for a wrong command line.
 */
import { availableParallelism, cpus } from "node:os";
import { runProbe } from "./child.ts";
import { type CommandLine, readCommandLine, USAGE } from "./command-line.ts";
import { DataFolder } from "./data-folder.ts";
import { headLine, humanReport, jsonReport, judge, type Surroundings } from "./report.ts";
import { type CaseResult, measureRounds } from "./rounds.ts";
import type { Bench, Case, Suite } from "./suite.ts";
import { loadSuite } from "./suites.ts";
import { buildUnjam, checkPeers, linkUnjam } from "./workspace.ts";

const FSYNC_MS = { full: 1_000, tiny: 100 };

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  let command: CommandLine;
  let suite: Suite;
  try {
    command = readCommandLine(argv);
    suite = await loadSuite(command.suite);
  } catch (error) {
    process.stderr.write(`${words(error)}\n\n${USAGE}`);
    return 64;
  }
  try {
    return await measure(command, suite);
  } catch (error) {
    process.stderr.write(`${words(error)}\n`);
    return 2;
  }
}

async function measure(command: CommandLine, suite: Suite): Promise<number> {
  linkUnjam();
  if (command.peers) checkPeers();
  // `npm run bench` has built already, in its prebench.
  if (command.build && process.env["npm_lifecycle_event"] !== "bench") buildUnjam();
  using data = new DataFolder(command.data);
  process.once("SIGINT", () => {
    data[Symbol.dispose]();
    process.exit(130);
  });
  const surroundings = look(command, data);
  if (!command.json) process.stdout.write(headLine(surroundings));
  const bench: Bench = { isTiny: command.tiny, folder: data.path, runProbe };
  const cases = chosen(await suite.plan(bench), command);
  const results = await measureRounds(cases, { bench, rounds: command.rounds, say });
  const gates = judge(results);
  const print = command.json
    ? jsonReport(surroundings, results, gates)
    : humanReport(results, gates);
  process.stdout.write(print);
  if (results.some(hasFailure)) return 2;
  // A gate that was not measured has not been held either.
  if (command.gate && gates.some(({ verdict }) => verdict.kind === "not measured")) return 2;
  return command.gate && gates.some(({ verdict }) => verdict.kind === "missed") ? 1 : 0;
}

function look({ suite, tiny }: CommandLine, data: DataFolder): Surroundings {
  return {
    suite,
    isTiny: tiny,
    node: process.version,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? "unknown",
    fileSystem: data.fileSystem,
    fsyncP50Us: data.fsyncP50Us(tiny ? FSYNC_MS.tiny : FSYNC_MS.full),
  };
}

/** A whole name means that case alone, a part of a name every case that has it. */
function chosen(cases: readonly Case[], { only, peers }: CommandLine): readonly Case[] {
  const names = new Set(cases.map(({ name }) => name));
  const wanted = cases.filter(
    ({ name }) =>
      only.length === 0 ||
      only.some((text) => (names.has(text) ? name === text : name.includes(text))),
  );
  if (wanted.length === 0) {
    throw new Error(
      `no case matches ${only.join(", ")}; there are ${cases.map(({ name }) => name).join(", ")}`,
    );
  }
  if (peers) return wanted;
  return wanted.map((one) => ({
    ...one,
    implementations: one.implementations.filter(({ role }) => role !== "peer"),
  }));
}

function hasFailure({ measured }: CaseResult): boolean {
  return measured.some(({ failure }) => failure !== undefined);
}

/** Progress goes to standard error, where `--json` is not disturbed. */
function say(progress: string): void {
  process.stderr.write(`${progress}\n`);
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
