import { Socket } from "node:net";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { LINE_FD } from "./child-fds.ts";
import { MessagePipe } from "./message-pipe.ts";
import type { ParentLine } from "./parent-line.ts";

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
