import { describe, expect, it } from "vitest";
import { leaseEnd } from "./lease.ts";
import { ABORT_GRACE_MS, LEASE_MS } from "./limits.ts";

describe("leaseEnd", () => {
  it("is LEASE_MS from now for an attempt without a deadline", () => {
    expect(leaseEnd(1_000, null)).toBe(1_000 + LEASE_MS);
  });

  it("is LEASE_MS from now while the deadline is ahead or just over", () => {
    expect(leaseEnd(1_000, 500_000)).toBe(1_000 + LEASE_MS);
    expect(leaseEnd(1_000 + ABORT_GRACE_MS, 1_000)).toBe(1_000 + ABORT_GRACE_MS + LEASE_MS);
  });

  it("never moves past the deadline, its grace and one lease, however late it is renewed", () => {
    const last = 1_000 + ABORT_GRACE_MS + LEASE_MS;

    expect(leaseEnd(1_000 + ABORT_GRACE_MS + 1, 1_000)).toBe(last);
    expect(leaseEnd(1_000_000, 1_000)).toBe(last);
  });
});
