import type { Random } from "./clock.ts";

/** Delays that grow from try to try, up to a bound. */
export interface Backoff {
  /** The first delay, in milliseconds. 0 to 31,536,000,000, default 1,000. */
  readonly firstMs: number;
  /** How many times as long each delay is as the one before. 1 to 100, default 2. */
  readonly factor: number;
  /** The longest delay before `jitter`, in milliseconds. 0 to 31,536,000,000, default 300,000. */
  readonly maxMs: number;
  /** Share of the delay that chance may add or take. 0 to 1, default 0.2. */
  readonly jitter: number;
}

/**
 * How long to wait after failed attempt number `attempt` (1 is the first): exponential, capped,
 * then spread by ±`jitter` so that jobs that failed together do not come back together.
 */
export function backoffMs(backoff: Backoff, attempt: number, random: Random): number {
  const { firstMs, factor, maxMs, jitter } = backoff;
  // The exponent is capped because factor ** 1000 is Infinity, and Infinity * 0 is NaN.
  const raw = Math.min(maxMs, firstMs * factor ** Math.min(attempt - 1, 64));
  return Math.round(raw * (1 + jitter * (2 * random() - 1)));
}
