export type WordCounts = Readonly<Record<string, number>>;

export function countWords(text: string): WordCounts {
  return addUp(text.split(" ").map((word) => ({ [word]: 1 })));
}

export function addUp(parts: readonly WordCounts[]): WordCounts {
  const counts = new Map<string, number>();
  for (const [word, count] of parts.flatMap((part) => Object.entries(part))) {
    counts.set(word, (counts.get(word) ?? 0) + count);
  }
  return Object.fromEntries(counts);
}
