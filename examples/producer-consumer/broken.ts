/** The same on a counted queue. One path through the consumer forgets taskDone(): join() hangs. */
import { CountedQueue } from "./counted-queue.ts";
import { levelOf, LOG_FILES } from "./log-files.ts";

const WAIT_MS = 1_000;

const lines = new CountedQueue<string>();

async function consume(): Promise<never> {
  for (;;) {
    const line = await lines.get();
    const level = await levelOf(line).catch(() => undefined);
    // Looks harmless, and is: in every review, until the first corrupt line.
    if (level === undefined) continue;
    lines.taskDone();
  }
}

for (let n = 0; n < 3; n++) void consume();
for (const line of LOG_FILES.flat()) lines.put(line);

setTimeout(() => {
  console.error(`still waiting for join() after ${WAIT_MS} ms: ${lines.unfinished} unfinished`);
  process.exit(1);
}, WAIT_MS);
await lines.join();
console.log("all lines counted");
process.exit();
