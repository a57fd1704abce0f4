import type { MonotonicMs } from "../../core/clock.ts";

/** Each thread counts `performance.now()` from its own start; this makes them one clock. */
const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** The machine's monotonic clock, the same for all threads. */
export function sharedNow(): MonotonicMs {
  return performance.now() + OFFSET_MS;
}
