import type { Random } from "./clock.ts";

export interface Backoff {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** Share of the delay that chance may add or take, 0 to 1. */
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
