import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Expected, Scenario } from "./scenario.ts";
import { type Ended, readTelling, type Telling } from "./telling.ts";

export type ProgramName = "naive" | "sound";

/** How a program ended, as seen from outside. */
export type Ending =
  | Ended
  /** The timer ended it while it waited for something. */
  | { readonly kind: "hung" }
  /** The timer ended it, and it was not waiting: the machine is too slow, or the time too short. */
  | { readonly kind: "late" }
  /** It ended without a word; what it wrote to stderr. */
  | { readonly kind: "crashed"; readonly text: string };

/** What was measured of one program. */
export interface ProgramRun {
  readonly name: ProgramName;
  readonly builtOn: string;
  readonly pid: number;
  readonly ending: Ending;
  readonly isAsExpected: boolean;
  /** From the beginning of its work to its end; Node's own start does not count. */
  readonly ranMs: number;
  readonly done: number;
  readonly failed: number;
  readonly total: number;
  /** What it waited for when it was ended, and for how long. */
  readonly waitsFor: string | null;
  readonly waitedMs: number;
}

export interface RunTerms {
  /** How long a program may run before it is ended. */
  readonly timeMs: number;
  /** Ends it too; the run then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Hears what the programs say, as they say it. */
  readonly onLine: (line: { readonly name: ProgramName; readonly text: string }) => void;
}

const STDERR_CHARS_MAX = 4_000;
const NOTHING: Telling = {
  ...{ text: null, done: 0, failed: 0, total: 0, ranMs: 0 },
  ...{ waitsFor: null, waitedMs: 0, ended: null },
};

/** Runs a program of a scenario in a process of its own, which has ended when this resolves. */
export async function runProgram(
  scenario: Scenario,
  name: ProgramName,
  { timeMs, signal, onLine }: RunTerms,
): Promise<ProgramRun> {
  signal.throwIfAborted();
  const { builtOn, expected } = scenario[name];
  const module = new URL(`./${name}${extname(scenario.home)}`, scenario.home);
  const child = spawn(process.execPath, [fileURLToPath(module)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  let isLate = false;
  const kill = (): void => void child.kill("SIGKILL");
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, timeMs);
  signal.addEventListener("abort", kill, { once: true });
  const stderr = collect(child);
  let last = NOTHING;
  let lastAt = performance.now();
  onLine({ name, text: `started as process ${child.pid ?? 0}: ${builtOn}` });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const telling = readTelling(line);
    if (telling === undefined) return;
    last = telling;
    lastAt = performance.now();
    if (telling.text !== null) onLine({ name, text: telling.text });
  });
  try {
    await closed;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
  }
  signal.throwIfAborted();
  const unheardMs = last.ended === null ? performance.now() - lastAt : 0;
  const ending = endingOf(last, isLate, stderr());
  const { done, failed, total, waitsFor } = last;
  return {
    ...{ name, builtOn, pid: child.pid ?? 0 },
    ...{ ending, isAsExpected: isExpected(ending, expected) },
    ranMs: Math.round(last.ranMs + unheardMs),
    ...{ done, failed, total, waitsFor },
    waitedMs: waitsFor === null ? 0 : Math.round(last.waitedMs + unheardMs),
  };
}

function collect(child: ChildProcess): () => string {
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-STDERR_CHARS_MAX);
  });
  return () => text.trim();
}

function endingOf({ ended, waitsFor }: Telling, isLate: boolean, stderr: string): Ending {
  if (ended !== null) return ended;
  if (isLate) return { kind: waitsFor === null ? "late" : "hung" };
  return { kind: "crashed", text: stderr === "" ? "it ended without a word" : stderr };
}

function isExpected(ending: Ending, expected: Expected): boolean {
  if (ending.kind !== expected.kind) return false;
  return ending.kind !== "error" || expected.kind !== "error" || ending.code === expected.code;
}
