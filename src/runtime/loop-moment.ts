import type { JobNumber } from "../core/job.ts";

/** What the code that runs on the main loop at this moment belongs to. */
export interface LoopMoment {
  readonly task: string;
  readonly id: JobNumber;
  readonly stack: string;
}

/** Asked from the supervisor thread by evaluation, so it answers JSON text and only reads. */
type Ask = () => Omit<LoopMoment, "stack"> | undefined;

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

/** The answer to {@link ASK_LOOPS}; `undefined` when no handler was running. */
export function readMoment(answer: unknown): LoopMoment | undefined {
  if (typeof answer !== "string") return undefined;
  const value: unknown = JSON.parse(answer);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by describe(), just below.
  return value === null ? undefined : (value as LoopMoment);
}

function describe(): string {
  for (const ask of loops) {
    const moment = ask();
    if (moment !== undefined) return JSON.stringify({ ...moment, stack: stackHere() });
  }
  return "null";
}

/** The stack below this question, whatever the user has done to Error. */
function stackHere(): string {
  const limit = Error.stackTraceLimit;
  const prepare: unknown = Reflect.get(Error, "prepareStackTrace");
  try {
    Error.stackTraceLimit = STACK_FRAMES;
    Reflect.deleteProperty(Error, "prepareStackTrace");
    const lines = new Error("probe").stack?.split("\n") ?? [];
    return lines.slice(FRAMES_OF_OURS).join("\n");
  } finally {
    Error.stackTraceLimit = limit;
    if (prepare !== undefined) Reflect.set(Error, "prepareStackTrace", prepare);
  }
}
