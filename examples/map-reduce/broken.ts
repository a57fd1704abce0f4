/** The same with worker threads by hand. One dies with its text in its hands, and nobody notices. */
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { TEXTS } from "./texts.ts";
import { addUp, countWords, type WordCounts } from "./word-counts.ts";

const WAIT_MS = 3_000;
const POISONED = 7;

if (isMainThread) await coordinate();
else parentPort?.on("message", mapText);

async function coordinate(): Promise<void> {
  const parts: WordCounts[] = [];
  const waiting = TEXTS.keys();
  const { promise: mapped, resolve: finish } = Promise.withResolvers<void>();
  const workers = [1, 2].map(() => new Worker(new URL(import.meta.url)));
  for (const worker of workers) {
    const sendNext = (): void => {
      const { value, done } = waiting.next();
      if (done !== true) worker.postMessage(value);
    };
    worker.on("message", (part: WordCounts) => {
      if (parts.push(part) === TEXTS.length) finish();
      else sendNext();
    });
    sendNext();
  }
  setTimeout(() => {
    const state = `${parts.length} of ${TEXTS.length} texts mapped`;
    console.error(`still waiting for the mappers after ${WAIT_MS} ms: ${state}`);
    process.exit(1);
  }, WAIT_MS);
  await mapped;
  console.log(addUp(parts));
  process.exit();
}

function mapText(index: number): void {
  if (index === POISONED) process.exit(1);
  parentPort?.postMessage(countWords(TEXTS[index] ?? ""));
}
