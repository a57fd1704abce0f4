import { task, type Task } from "../../src/index.ts";
import { crashOnce } from "./mark-file.ts";

export type WordCounts = Readonly<Record<string, number>>;

interface Chunk {
  readonly text: string;
  readonly crashMark?: string;
}

/** Counts the words of one chunk, on a thread. */
export const mapWords: Task<Chunk, WordCounts> = task(
  "map",
  { queue: "map", runs: "thread" },
  async ({ text, crashMark }: Chunk) => {
    if (crashMark !== undefined) crashOnce(crashMark);
    return addUp(text.split(/\s+/).map((word) => ({ [word]: 1 })));
  },
);

/** Adds up the counts of many chunks. */
export const reduceWords: Task<{ readonly parts: readonly WordCounts[] }, WordCounts> = task(
  "reduce",
  { queue: "reduce", runs: "thread" },
  async ({ parts }: { readonly parts: readonly WordCounts[] }) => addUp(parts),
);

export function addUp(parts: readonly WordCounts[]): WordCounts {
  const counts = new Map<string, number>();
  for (const part of parts) {
    for (const [word, count] of Object.entries(part)) {
      counts.set(word, (counts.get(word) ?? 0) + count);
    }
  }
  return Object.fromEntries(counts);
}
