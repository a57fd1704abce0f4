/** Two producers read log files, three consumers count lines by level, and join() knows the end. */
import { JoinableQueue } from "unjam/sync";
import { levelOf, LOG_FILES } from "./log-files.ts";

const levels = new Map<string, number>();
const lines = new JoinableQueue<string>({ name: "lines", capacity: 8 });

lines.consume(
  async (line) => {
    const level = await levelOf(line);
    levels.set(level, (levels.get(level) ?? 0) + 1);
  },
  { concurrency: 3 },
);

async function produce(file: readonly string[]): Promise<void> {
  // While eight lines wait, this waits: memory stays as small as the queue.
  for (const line of file) await lines.put(line, { waitMs: 5_000 });
}

await Promise.all(LOG_FILES.map(produce));
const { done, failed, errors } = await lines.join({ waitMs: 5_000 });
lines.close();

console.log(`${done} lines counted, ${failed} failed`);
for (const [level, count] of levels) console.log(`  ${level} ${count}`);
for (const { value, error } of errors) console.log(`  ${value}: ${String(error)}`);
