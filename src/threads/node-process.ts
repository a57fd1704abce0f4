import { type ChildProcess, spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { KILL_AFTER_MS } from "../core/limits.ts";
import { LIFELINE_FD, LINE_FD } from "./child-fds.ts";
import { MessagePipe } from "./message-pipe.ts";
import type { SlotThread } from "./thread-slot.ts";

export interface ProcessOptions {
  readonly args: readonly string[];
  /** The flags of this process; those that are for one process only are left out. */
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * A child process of Node as a {@link SlotThread}; its own end is `processLine()`. It writes to this
 * process's stdout and stderr itself. It never outlives this process: see `lifeline-thread.ts`.
 */
export function startNodeProcess<Received, Sent>(
  entry: URL,
  { args, execArgv, env }: ProcessOptions,
): SlotThread<Received, Sent> {
  const events: SlotThread<Received, Sent>["events"] = {
    message: () => undefined,
    stray: () => undefined,
    exit: () => undefined,
  };
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...childFlags(execArgv), fileURLToPath(entry), ...args], {
      env,
      // The last two are the line and the lifeline.
      stdio: ["ignore", "inherit", "inherit", "pipe", "pipe"],
    });
  } catch (error) {
    // Told like any other death, when somebody listens: the caller counts them.
    setImmediate(() => events.exit(neverStarted(error)));
    return { events, post: () => undefined, terminate: () => Promise.resolve() };
  }
  const { [LINE_FD]: pipe, [LIFELINE_FD]: lifeline } = pipesOf(child);
  // Nothing is written to it, and when it breaks the child is dying anyway.
  lifeline?.on("error", () => undefined);
  if (!(pipe instanceof Duplex)) {
    child.on("error", (error) => events.exit(neverStarted(error)));
    return { events, post: () => undefined, terminate: () => Promise.resolve() };
  }
  const line = new MessagePipe<Received, Sent>(pipe);
  line.onMessage((message) => events.message(message));
  const gone = whenGone(child, line).then((reason) => events.exit(line.fault ?? reason));
  const terminate = (): Promise<void> => end(child, line, gone);
  // One that does not hold its line any more can neither be told anything nor be heard.
  void line.closed.then(terminate);
  return { events, post: (message) => line.send(message), terminate };
}

/** None where there were not enough descriptors for them, whatever the type says. */
function pipesOf({
  stdio,
}: {
  readonly stdio: ChildProcess["stdio"] | undefined;
}): Partial<ChildProcess["stdio"]> {
  return stdio ?? [];
}

/** Asks, and kills what does not go: a child whose main thread is blocked hears no question. */
async function end(child: ChildProcess, line: ClosingLine, gone: Promise<void>): Promise<void> {
  line.close();
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  await gone;
  clearTimeout(timer);
}

type ClosingLine = Pick<MessagePipe<unknown, unknown>, "close" | "closed">;

/** Resolves with why, once the child has ended and all that it said has been heard. */
async function whenGone(child: ChildProcess, line: ClosingLine): Promise<string> {
  const reason = await new Promise<string>((resolve) => {
    child.on("exit", (code, signal) => {
      resolve(signal === null ? `it exited with code ${code}` : `it was killed by ${signal}`);
    });
    child.on("error", (error) => {
      if (child.pid !== undefined) return;
      line.close();
      resolve(neverStarted(error));
    });
  });
  await line.closed;
  return reason;
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
