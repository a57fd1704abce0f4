import type { MonotonicMs } from "../core/clock.ts";
import type { JobNumber } from "../core/job.ts";

/** A handler whose code ran on the main loop when it was asked. */
export interface LoopMoment {
  readonly task: string;
  readonly id: JobNumber;
  /** Where it stood; `null` when it had just returned from there. */
  readonly stack: string | null;
}

/** One answer of the main loop: when it gave it, and in the middle of what; `null`: of no handler. */
export interface LoopLook {
  readonly at: MonotonicMs;
  readonly moment: LoopMoment | null;
}

/** Asked from the supervisor thread by evaluation, so it answers JSON text and only reads. */
type Ask = () => {
  readonly at: MonotonicMs;
  readonly job: Omit<LoopMoment, "stack"> | undefined;
};

const REGISTRY: unique symbol = Symbol.for("unjam.loops");
const STACK_FRAMES = 30;
/** The message, stackHere, describe and the evaluated expression. */
const FRAMES_OF_OURS = 4;
/** The loops of all apps that this copy of the package opened in this process. */
const loops = new Set<Ask>();

/** Makes a loop's current job visible to {@link ASK_LOOPS}. Answers how to take it back. */
export function registerLoop(ask: Ask): () => void {
  loops.add(ask);
  Reflect.set(globalThis, REGISTRY, describe);
  return () => loops.delete(ask);
}

/** The expression that tells, as JSON text, which job runs on the main loop right now, and where. */
export const ASK_LOOPS = `globalThis[Symbol.for("unjam.loops")]?.()`;

/** The answer to {@link ASK_LOOPS}; `undefined` when it is none of ours. */
export function readLook(answer: unknown): LoopLook | undefined {
  if (typeof answer !== "string") return undefined;
  const value: unknown = JSON.parse(answer);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by describe(), just below.
  return value === null ? undefined : (value as LoopLook);
}

function describe(): string {
  let look: LoopLook | null = null;
  for (const ask of loops) {
    const { at, job } = ask();
    if (job !== undefined) return JSON.stringify({ at, moment: { ...job, stack: stackHere() } });
    look ??= { at, moment: null };
  }
  return JSON.stringify(look);
}

/** The stack below this question, whatever the user has done to Error. */
function stackHere(): string | null {
  const limit = Error.stackTraceLimit;
  const prepare: unknown = Reflect.get(Error, "prepareStackTrace");
  try {
    Error.stackTraceLimit = STACK_FRAMES;
    Reflect.deleteProperty(Error, "prepareStackTrace");
    const lines = new Error("probe").stack?.split("\n") ?? [];
    const below = lines.slice(FRAMES_OF_OURS);
    // What runs when a handler has returned: there is nothing of it to show any more.
    return below[0]?.includes("loop-runner.") === true ? null : below.join("\n");
  } finally {
    Error.stackTraceLimit = limit;
    if (prepare !== undefined) Reflect.set(Error, "prepareStackTrace", prepare);
  }
}
