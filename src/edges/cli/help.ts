import { ERRORS } from "../../core/error-table.ts";
import type { ErrorCode } from "../../core/errors.ts";
import type { Argument, Command, Flag, Flags } from "./command.ts";
import { COMMON_FLAGS } from "./command-line.ts";
import { COMMANDS } from "./command-list.ts";
import { paintFor } from "./screen.ts";
import { SETTINGS } from "./setting.ts";

const EXIT_CODES = [
  "0 ok",
  "1 failed",
  "2 used wrongly",
  "3 something is stuck",
  "4 the store cannot be reached",
  "124 a wait timed out",
  "130 interrupted",
];

/** `unjam --help`: what there is. */
export async function overview(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const variables = Object.values(SETTINGS).map(({ variable }) => variable);
  return [
    "unjam: jobs that survive, in one file, on threads",
    "",
    heading("usage"),
    "  unjam <command> [words] [flags]",
    "",
    heading("commands"),
    ...pairs(commands.map(({ name, summary }) => [name, summary])),
    "",
    heading("flags of every command"),
    ...flagLines(COMMON_FLAGS),
    "",
    heading("environment"),
    `  ${variables.join("  ")}`,
    "  a flag wins over a variable, a variable over a default; unjam doctor --print-config shows all",
    "",
    heading("exit codes"),
    `  ${EXIT_CODES.join(", ")}`,
    "",
    heading("examples"),
    "  unjam worker --tasks ./tasks.ts",
    `  unjam enqueue resize '{"width":200}' --queue images --wait 30s`,
    "  unjam doctor",
    "  unjam lab lost-task-done",
  ].join("\n");
}

const DURATION = "  a duration is 500ms, 30s, 5m or 2h; a number alone is milliseconds";

/** `unjam jobs --help`: one command, and those that begin with its name. */
export async function commandHelp(command: Command): Promise<string> {
  const { name, summary, args, flags, examples, errors } = command;
  const below = Object.keys(COMMANDS).filter((other) => other.startsWith(`${name} `));
  const subcommands = await Promise.all(
    below.flatMap((other) => (COMMANDS[other] === undefined ? [] : [COMMANDS[other]()])),
  );
  return [
    `unjam ${name}: ${summary}`,
    "",
    heading("usage"),
    `  unjam ${[name, ...args.map(placeholder), "[flags]"].join(" ")}`,
    ...section(
      "commands below it",
      subcommands.map((other) => [other.name, other.summary]),
    ),
    ...section(
      "words",
      args.map((argument) => [placeholder(argument), argument.about]),
    ),
    "",
    heading("flags"),
    ...flagLines({ ...flags, ...COMMON_FLAGS }),
    ...(Object.values(flags).some(({ kind }) => kind === "duration") ? [DURATION] : []),
    "",
    heading("examples"),
    ...examples.map((example) => `  unjam ${example}`),
    ...section("errors", errors.map(errorPair)),
  ].join("\n");
}

function errorPair(code: ErrorCode): readonly [string, string] {
  const { exitCode, help } = ERRORS[code];
  return [code, `exit ${exitCode}. ${help}`];
}

function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  return rows.length === 0 ? [] : ["", heading(title), ...pairs(rows)];
}

function placeholder({ name, count }: Argument): string {
  if (count === "optional") return `[<${name}>]`;
  return count === "many" ? `<${name}…>` : `<${name}>`;
}

function flagLines(flags: Flags): string[] {
  return pairs(Object.entries(flags).map(([name, flag]) => [flagWord(name, flag), flag.about]));
}

function flagWord(name: string, flag: Flag): string {
  if (flag.kind === "switch")
    return flag.short === undefined ? `--${name}` : `--${name}, -${flag.short}`;
  const isBare = flag.kind === "duration" && flag.bare === true;
  return isBare ? `--${name} [${flag.value}]` : `--${name} ${flag.value}`;
}

function heading(text: string): string {
  return paintFor(process.stdout, "bold", text);
}

function pairs(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
