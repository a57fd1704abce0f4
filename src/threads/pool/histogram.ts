/**
 * A histogram of durations in shared memory, with one writer and any number of readers. Eight
 * buckets to an octave of eighths of a microsecond: a quantile is right to 12 %, from 0.1 µs to
 * four minutes, which is the last bucket for all that is longer.
 */
const BUCKETS_PER_OCTAVE_BITS = 3;
const BUCKETS_PER_OCTAVE = 1 << BUCKETS_PER_OCTAVE_BITS;
const BUCKETS = 30 * BUCKETS_PER_OCTAVE;
const UNITS_PER_MS = 8_000;
const UNITS_MAX = 2 ** 31 - 1;

/** Counts, and behind them the sum and the longest as floats. */
const COUNTS_BYTES = BUCKETS * Uint32Array.BYTES_PER_ELEMENT;
export const HISTOGRAM_BYTES: number = COUNTS_BYTES + 2 * Float64Array.BYTES_PER_ELEMENT;

/** What a histogram says, in milliseconds. */
export interface DurationStats {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class Histogram {
  readonly #counts: Uint32Array;
  /** Sum and longest, in milliseconds. */
  readonly #totals: Float64Array;

  constructor(memory: SharedArrayBuffer, offset: number) {
    this.#counts = new Uint32Array(memory, offset, BUCKETS);
    this.#totals = new Float64Array(memory, offset + COUNTS_BYTES, 2);
  }

  static empty(): Histogram {
    return new Histogram(new SharedArrayBuffer(HISTOGRAM_BYTES), 0);
  }

  record(durationMs: number): void {
    const bucket = bucketOf(durationMs);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#totals[0] = (this.#totals[0] ?? 0) + durationMs;
    if (durationMs > (this.#totals[1] ?? 0)) this.#totals[1] = durationMs;
  }

  /** Adds what another one holds. */
  add(other: Histogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0);
    }
    this.#totals[0] = (this.#totals[0] ?? 0) + (other.#totals[0] ?? 0);
    this.#totals[1] = Math.max(this.#totals[1] ?? 0, other.#totals[1] ?? 0);
  }

  stats(): DurationStats {
    const count = this.#counts.reduce((sum, value) => sum + value, 0);
    const maxMs = this.#totals[1] ?? 0;
    const quantile = (share: number): number => Math.min(maxMs, this.#quantile(share * count));
    return {
      count,
      meanMs: count === 0 ? 0 : (this.#totals[0] ?? 0) / count,
      p50Ms: quantile(0.5),
      p90Ms: quantile(0.9),
      p99Ms: quantile(0.99),
      maxMs,
    };
  }

  /** The upper end of the bucket that holds the nth duration. */
  #quantile(nth: number): number {
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      if (seen > 0 && seen >= nth) return upperMs(bucket);
    }
    return 0;
  }
}

function bucketOf(durationMs: number): number {
  const units = Math.min(UNITS_MAX, Math.max(0, durationMs * UNITS_PER_MS)) | 0;
  if (units < BUCKETS_PER_OCTAVE) return units;
  const shift = 28 - Math.clz32(units);
  return (shift << BUCKETS_PER_OCTAVE_BITS) + (units >> shift);
}

function upperMs(bucket: number): number {
  if (bucket < 2 * BUCKETS_PER_OCTAVE) return (bucket + 1) / UNITS_PER_MS;
  const shift = (bucket >> BUCKETS_PER_OCTAVE_BITS) - 1;
  const first = BUCKETS_PER_OCTAVE + (bucket & (BUCKETS_PER_OCTAVE - 1));
  return ((first + 1) * 2 ** shift) / UNITS_PER_MS;
}
