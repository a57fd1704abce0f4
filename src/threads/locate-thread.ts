import { nativeState } from "../stack/native-state.ts";
import { probeThread } from "../stack/thread-probe.ts";
import { STACK_LINES_MAX } from "../core/limits.ts";
import { AWAITING, type Whereabouts } from "../core/whereabouts.ts";

/**
 * Past this the thread sits in native code, or main does, through which the question goes. Unless the
 * machine is busy: as long as the thread is in no system call but `futex`, which is where
 * `Atomics.wait` sleeps, it may be a script that has not been asked yet.
 */
const PROBE_MS = 40;
const PROBE_MS_MAX = 250;

/** Reads the stack whatever the user has done to `Error`. */
const STACK = `(() => {
  const { stackTraceLimit, prepareStackTrace } = Error;
  Error.stackTraceLimit = ${2 * STACK_LINES_MAX};
  Error.prepareStackTrace = undefined;
  try { return new Error("here").stack; }
  finally { Object.assign(Error, { stackTraceLimit, prepareStackTrace }); }
})()`;

/** A thread to look for. */
export interface Sought {
  /** Node's number of it. */
  readonly threadId: number;
  /** The operating system's; 0 when it is not known. */
  readonly osThread: number;
  /** The modules that call the user's code there, or await it. */
  readonly callers: readonly URL[];
}

/**
 * Where a thread's code is: a stack, or what the system says when no script can be run in it. Always
 * resolves, soon.
 */
export async function locateThread({ threadId, osThread, callers }: Sought): Promise<Whereabouts> {
  const mayAnswer = (): boolean => [null, "futex"].includes(nativeState(osThread).syscall);
  const patience = { ms: PROBE_MS, msMax: PROBE_MS_MAX, mayAnswer };
  const answer = await probeThread(threadId, STACK, patience);
  if (answer.kind === "answered" && typeof answer.value === "string") {
    const stack = userFrames(answer.value, callers);
    // Nothing of the user's is running: the loop is free, and has not heard yet.
    return stack === "" ? AWAITING : { native: false, isAwaiting: false, stack };
  }
  return { native: true, ...nativeState(osThread) };
}

/** Frames of the probe stand above, frames of ours below; what is between is the user's, and Node's. */
const NODE_FRAME = /^\s+at (?:.*\()?node:/;
const PROBE_FRAME = /^\s+at (?:.*\()?<anonymous>:\d+:\d+\)?$/;

/** The user's part of a stack; empty when nothing of the user's is in it. */
function userFrames(stack: string, callers: readonly URL[]): string {
  const frames = stack
    .split("\n")
    .slice(1)
    .filter((line) => !PROBE_FRAME.test(line));
  const end = frames.findIndex((line) => callers.some(({ href }) => line.includes(`${href}:`)));
  const own = end < 0 ? frames : frames.slice(0, end);
  if (own.every((line) => NODE_FRAME.test(line))) return "";
  return own.slice(0, STACK_LINES_MAX).join("\n");
}
