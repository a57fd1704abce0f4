import { Worker, type WorkerOptions } from "node:worker_threads";
import type { SlotThread } from "./thread-slot.ts";

/** Node's own number of it beside. */
export interface NodeThread<Received, Sent> extends SlotThread<Received, Sent> {
  readonly threadId: number;
}

/**
 * A worker thread of Node as a {@link SlotThread}. Flags that a Worker does not accept (heap
 * sizes, titles) make its constructor throw; then it starts without the caller's flags.
 */
export function startNodeThread<Received, Sent>(
  entry: URL,
  options: WorkerOptions,
): NodeThread<Received, Sent> {
  const worker = newWorker(entry, options);
  const events: SlotThread<Received, Sent>["events"] = {
    message: () => undefined,
    exit: () => undefined,
  };
  let reason: string | undefined;
  worker.on("message", (message: Received) => events.message(message));
  worker.on("error", (error: Error) => {
    reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  });
  worker.on("exit", (code) => events.exit(reason ?? `it exited with code ${code}`));
  return {
    events,
    threadId: worker.threadId,
    post: (message) => worker.postMessage(message),
    async terminate() {
      await worker.terminate();
    },
  };
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
