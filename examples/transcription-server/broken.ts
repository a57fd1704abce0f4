/**
 * The same on a queue whose put() blocks. One request that finds it full while the worker is stopped
 * stops the server for good, and no request can come any more that would start the worker again.
 */
import { writeSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { BlockingQueue } from "./blocking-queue.ts";
import { type Answer, serve } from "./http.ts";

const HEARTBEAT_MS = 200;

if (isMainThread) await startServer();
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- startServer gave it.
else work(new BlockingQueue(workerData as { readonly memory: SharedArrayBuffer }));

async function startServer(): Promise<void> {
  const recordings = new BlockingQueue({ capacity: 1 });
  const { memory } = recordings;
  new Worker(new URL(import.meta.url), { workerData: { memory } }).on("error", (error) => {
    throw error;
  });
  let count = 0;

  async function enqueue(query: URLSearchParams): Promise<Answer> {
    const id = count++;
    if (query.get("block") === "true") {
      recordings.pause();
      while (!recordings.isFull) recordings.put(id);
    } else {
      recordings.resume();
    }
    if (recordings.isFull) console.log(`task-${id}: waits for room`);
    recordings.put(id);
    return { status: 200, body: { status: "enqueued", task_id: `task-${id}` } };
  }

  await serve(enqueue);
}

/** The worker, on a thread of its own. It says that it lives, which is true and helps nobody. */
function work(recordings: BlockingQueue): never {
  for (;;) {
    const id = recordings.get(HEARTBEAT_MS);
    // Not console.log: on a thread that takes the way over the main thread.
    writeSync(1, id === undefined ? "heartbeat: all is well\n" : `task-${id}: transcribed\n`);
  }
}
