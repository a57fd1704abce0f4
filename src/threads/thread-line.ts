import { MessagePort, workerData } from "node:worker_threads";
import { invariant } from "../core/invariant.ts";
import type { ParentLine } from "./parent-line.ts";

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
