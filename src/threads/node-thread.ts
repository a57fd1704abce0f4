import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  type WorkerOptions,
} from "node:worker_threads";
import type { LineData } from "./thread-line.ts";
import type { SlotThread } from "./thread-slot.ts";

/**
 * A worker thread of Node as a {@link SlotThread}; its own end is `threadLine()`. Flags that a
 * Worker does not accept (heap sizes, titles) make its constructor throw; then it starts without
 * the caller's flags.
 */
export function startNodeThread<Received, Sent>(
  entry: URL,
  options: Omit<WorkerOptions, "workerData" | "transferList"> & { readonly workerData?: object },
): SlotThread<Received, Sent> {
  const { port1: line, port2 } = new MessageChannel();
  const workerData: LineData = { ...options.workerData, line: port2 };
  const worker = newWorker(entry, { ...options, workerData, transferList: [port2] });
  const events: SlotThread<Received, Sent>["events"] = {
    message: () => undefined,
    stray: () => undefined,
    exit: () => undefined,
  };
  let reason: string | undefined;
  line.on("message", (message: Received) => events.message(message));
  line.on("messageerror", (error) => {
    reason ??= `what it says cannot be read: ${String(error)}`;
    void worker.terminate();
  });
  // Not ours: code that is loaded there has `parentPort` to itself.
  worker.once("message", () => events.stray());
  worker.on("error", (error: Error) => {
    reason ??= error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  });
  worker.on("exit", (code) => {
    // As Node does with the port that it gives to a Worker: the two events have no order.
    for (const message of left<Received>(line)) events.message(message);
    line.close();
    events.exit(reason ?? `it exited with code ${code}`);
  });
  return {
    events,
    post: (message) => line.postMessage(message),
    async terminate() {
      await worker.terminate();
    },
  };
}

/** What a thread said before it ended and nobody has heard yet, as far as it can be read. */
function* left<Received>(line: MessagePort): Generator<Received> {
  for (let next = taken(line); next !== undefined; next = taken(line)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the other end's `send` was given.
    yield next.message as Received;
  }
}

function taken(line: MessagePort): ReturnType<typeof receiveMessageOnPort> {
  try {
    return receiveMessageOnPort(line);
  } catch {
    return undefined;
  }
}

function newWorker(entry: URL, options: WorkerOptions): Worker {
  try {
    return new Worker(entry, options);
  } catch (error) {
    const isFlag =
      error instanceof Error && "code" in error && error.code === "ERR_WORKER_INVALID_EXEC_ARGV";
    if (!isFlag) throw error;
    return new Worker(entry, { ...options, execArgv: [] });
  }
}
