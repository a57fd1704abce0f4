import { Socket } from "node:net";
import { extname } from "node:path";
import { MessagePort, Worker, workerData } from "node:worker_threads";
import { invariant } from "../core/invariant.ts";
import { LINE_FD } from "./child-fds.ts";
import { MessagePipe } from "./message-pipe.ts";

/** A child's end of what `startNodeProcess` or `startNodeThread` started. */
export interface ParentLine<Received, Sent> {
  /** @throws when there is something in it that cannot be cloned, such as a function */
  send(message: Sent): void;
  /** Set it once, when the child is ready to hear. */
  onMessage(handle: (message: Received) => void): void;
}

/**
 * Ties this process to the one that started it, and answers the line to it. From then on it ends
 * with its parent, and when its parent lets go of it. Signals that a terminal or a service manager
 * sends to all processes alike are the parent's to answer: it lets go when it is time.
 *
 * The line is a pipe of its own. Node's IPC channel would be shared with whatever code is loaded
 * here, which may write to it, listen to it and close it.
 */
export function processLine<Received, Sent>(): ParentLine<Received, Sent> {
  const entry = new URL(`./lifeline-thread${extname(import.meta.url)}`, import.meta.url);
  new Worker(entry, { name: "unjam lifeline", execArgv: [], env: {} }).unref();
  const pipe = new MessagePipe<Received, Sent>(new Socket({ fd: LINE_FD }));
  let isHeld = true;
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      if (!isHeld) process.exit();
    });
  }
  void pipe.closed.then(() => {
    isHeld = false;
    process.exit();
  });
  return pipe;
}

/** What `startNodeThread` adds to the `workerData` of a thread. */
export interface LineData {
  readonly line: MessagePort;
}

/**
 * This thread's line to the one that started it: a port of its own, because `parentPort` belongs to
 * whatever code is loaded here. It is taken out of `workerData`, so that nobody else finds it.
 */
export function threadLine<Received, Sent>(): ParentLine<Received, Sent> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is checked below.
  const data = workerData as { line?: MessagePort };
  const { line } = data;
  invariant(line instanceof MessagePort, "startNodeThread started this thread");
  delete data.line;
  return {
    send: (message) => line.postMessage(message),
    onMessage: (handle) => void line.on("message", (message: Received) => handle(message)),
  };
}
