import { extname } from "node:path";
import { Worker } from "node:worker_threads";

/** A child's end of what `startNodeProcess` started. */
export interface ParentLine<Received, Sent> {
  send(message: Sent): void;
  /** Set it once, when the child is ready to hear. */
  onMessage(handle: (message: Received) => void): void;
}

/**
 * Ties this process to the one that started it, and answers the line to it. From then on it ends
 * with its parent, and when its parent lets go of it. Signals that a terminal or a service manager
 * sends to all processes alike are the parent's to answer: it lets go when it is time.
 */
export function parentLine<Received, Sent>(): ParentLine<Received, Sent> {
  const entry = new URL(`./lifeline-thread${extname(import.meta.url)}`, import.meta.url);
  new Worker(entry, { name: "unjam lifeline", execArgv: [], env: {} }).unref();
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      if (!process.connected) process.exit();
    });
  }
  process.on("disconnect", () => process.exit());
  return {
    // A parent that is gone hears nothing more, and this process is about to follow it.
    send: (message) => void process.send?.(message, undefined, undefined, () => undefined),
    onMessage: (handle) => void process.on("message", (message: Received) => handle(message)),
  };
}
