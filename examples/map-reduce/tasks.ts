/** Every job thread imports this module. */
import { task, type Task } from "unjam";
import { addUp, countWords, type WordCounts } from "./word-counts.ts";

interface Chunk {
  readonly text: string;
  /** For the demonstration: the first thread that gets it dies. */
  readonly isPoisoned: boolean;
}

export const map: Task<Chunk, WordCounts> = task(
  "map",
  { queue: "map", runs: "thread" },
  ({ text, isPoisoned }: Chunk, { token }) => {
    if (isPoisoned && token === 1) process.exit(1);
    return countWords(text);
  },
);

export const reduce: Task<readonly WordCounts[], WordCounts> = task(
  "reduce",
  { queue: "reduce", runs: "thread" },
  (parts: readonly WordCounts[]) => addUp(parts),
);
