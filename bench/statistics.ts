/** What is left of one metric after all rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** `undefined` when there is nothing to spread. */
export function spread(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Nearest rank for every share but the middle, which halves the two values in the centre. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = sorted.length / 2;
  if (share === 0.5 && Number.isInteger(middle)) return (at(middle - 1) + at(middle)) / 2;
  return at(Math.max(0, Math.ceil(sorted.length * share) - 1));
}
