import type { MonotonicMs } from "./clock.ts";
import { ABORT_GRACE_MS, LEASE_MS } from "./limits.ts";

/**
 * When a renewed lease ends: `LEASE_MS` from now, but never after the attempt's own deadline and
 * grace. Without the cap a heartbeat sent by a timer would keep a hung job alive for ever.
 */
export function leaseEnd(now: MonotonicMs, attemptDeadline: MonotonicMs | null): MonotonicMs {
  const end = now + LEASE_MS;
  if (attemptDeadline === null) return end;
  // One lease of slack past the ladder's end: the settlement itself must still find its lease.
  return Math.min(end, attemptDeadline + ABORT_GRACE_MS + LEASE_MS);
}
