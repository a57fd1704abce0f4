import { type ChildProcess, fork, type Serializable } from "node:child_process";
import { KILL_AFTER_MS } from "../core/limits.ts";
import type { SlotThread } from "./thread-slot.ts";

export interface ProcessOptions {
  readonly args: readonly string[];
  /** The flags of this process; those that are for one process only are left out. */
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * A child process of Node as a {@link SlotThread}; its own end is `parentLine()`. It writes to this
 * process's stdout and stderr itself. It never outlives this process: see `lifeline-thread.ts`.
 */
export function startNodeProcess<Received, Sent>(
  entry: URL,
  { args, execArgv, env }: ProcessOptions,
): SlotThread<Received, Sent> {
  const events: SlotThread<Received, Sent>["events"] = {
    message: () => undefined,
    exit: () => undefined,
  };
  let child: ChildProcess;
  try {
    child = fork(entry, args, {
      execArgv: childFlags(execArgv),
      env,
      serialization: "advanced",
      // The last is the lifeline.
      stdio: ["ignore", "inherit", "inherit", "ipc", "pipe"],
    });
  } catch (error) {
    // Told like any other death, when somebody listens: the caller counts them.
    setImmediate(() => events.exit(neverStarted(error)));
    return { events, post: () => undefined, terminate: () => Promise.resolve() };
  }
  // Nothing is written to it, and when it breaks the child is dying anyway.
  child.stdio[4]?.on("error", () => undefined);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the entry that was started sends these.
  child.on("message", (message) => events.message(message as Received));
  const gone = whenGone(child).then((reason) => events.exit(reason));
  return {
    events,
    post: (message) => {
      // One that has just died takes nothing; its exit says so.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- plain data, as every message is.
      if (child.connected) child.send(message as Serializable, () => undefined);
    },
    terminate: () => end(child, gone),
  };
}

/** Asks, and kills what does not go: a child whose main thread is blocked hears no question. */
async function end(child: ChildProcess, gone: Promise<void>): Promise<void> {
  if (child.connected) child.disconnect();
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  await gone;
  clearTimeout(timer);
}

/** Resolves with why, once the child has ended and all that it said has been heard. */
function whenGone(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let reason: string | undefined;
    const over = (): void => {
      if (reason !== undefined && !child.connected) resolve(reason);
    };
    child.on("exit", (code, signal) => {
      reason = signal === null ? `it exited with code ${code}` : `it was killed by ${signal}`;
      over();
    });
    child.on("disconnect", over);
    child.on("error", (error) => {
      // Else a message that came too late for a child that has ended by itself.
      if (child.pid === undefined) resolve(neverStarted(error));
    });
  });
}

function neverStarted(error: unknown): string {
  return `it could not be started: ${error instanceof Error ? error.message : String(error)}`;
}

/** Flags with a value that say what to run; a child has something else to run. */
const PROGRAM_FLAGS = new Set(["-e", "--eval", "-p", "--print", "-pe"]);
/** Flags for one process: a port that is taken, a file that is watched, tests that are run. */
const OWN_FLAGS =
  /^(?:--inspect|--watch|--test|--cpu-prof|--heap-prof|-i$|--interactive$|-c$|--check$)/;

/** What a child of Node may inherit of its parent's flags. */
export function childFlags(execArgv: readonly string[]): string[] {
  return execArgv.filter(
    (flag, index) =>
      !PROGRAM_FLAGS.has(flag) &&
      !PROGRAM_FLAGS.has(execArgv[index - 1] ?? "") &&
      !OWN_FLAGS.test(flag),
  );
}
