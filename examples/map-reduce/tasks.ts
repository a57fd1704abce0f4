/** Every job thread imports this module. */
import { task, type Task } from "unjam";
import { addUp, countWords, type WordCounts } from "./word-counts.ts";

interface Chunk {
  readonly text: string;
  /** For the demonstration: so many threads that get it die. */
  readonly killsThreads: number;
}

export const map: Task<Chunk, WordCounts> = task(
  "map",
  { queue: "map", runs: "thread" },
  ({ text, killsThreads }: Chunk, { token }) => {
    if (token <= killsThreads) process.exit(1);
    return countWords(text);
  },
);

export const reduce: Task<readonly WordCounts[], WordCounts> = task(
  "reduce",
  { queue: "reduce", runs: "thread" },
  (parts: readonly WordCounts[]) => addUp(parts),
);
