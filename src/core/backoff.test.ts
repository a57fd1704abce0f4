import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Backoff, backoffMs } from "./backoff.ts";

const MIDDLE = (): number => 0.5;

function aBackoff(overrides: Partial<Backoff> = {}): Backoff {
  return { firstMs: 1_000, factor: 2, maxMs: 300_000, jitter: 0.2, ...overrides };
}

describe("backoffMs", () => {
  it("waits firstMs after the first failure and grows by the factor", () => {
    const delays = [1, 2, 3, 4].map((attempt) => backoffMs(aBackoff(), attempt, MIDDLE));

    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  it("stops growing at maxMs", () => {
    expect(backoffMs(aBackoff(), 9, MIDDLE)).toBe(256_000);
    expect(backoffMs(aBackoff(), 10, MIDDLE)).toBe(300_000);
    expect(backoffMs(aBackoff(), 1_000, MIDDLE)).toBe(300_000);
  });

  it("spreads the delay by the jitter to both sides", () => {
    const almostOne = 1 - Number.EPSILON;

    expect(backoffMs(aBackoff(), 1, () => 0)).toBe(800);
    expect(backoffMs(aBackoff(), 1, () => almostOne)).toBe(1_200);
    expect(backoffMs(aBackoff({ jitter: 0 }), 1, () => 0)).toBe(1_000);
    expect(backoffMs(aBackoff({ jitter: 1 }), 1, () => 0)).toBe(0);
  });

  it("stays the same with a factor of 1, and 0 with a firstMs of 0", () => {
    expect(backoffMs(aBackoff({ factor: 1 }), 1_000, MIDDLE)).toBe(1_000);
    expect(backoffMs(aBackoff({ firstMs: 0, factor: 100 }), 1_000, MIDDLE)).toBe(0);
  });

  it("is a whole number between 0 and twice maxMs for every allowed option and attempt", () => {
    const backoff = fc.record({
      firstMs: fc.double({ min: 0, max: 31_536_000_000, noNaN: true }),
      factor: fc.double({ min: 1, max: 100, noNaN: true }),
      maxMs: fc.double({ min: 0, max: 31_536_000_000, noNaN: true }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        backoff,
        fc.integer({ min: 1, max: 1_000 }),
        chance,
        (options, attempt, drawn) => {
          const delayMs = backoffMs(options, attempt, () => drawn);

          expect(Number.isInteger(delayMs)).toBe(true);
          expect(delayMs).toBeGreaterThanOrEqual(0);
          expect(delayMs).toBeLessThanOrEqual(Math.round(2 * options.maxMs));
        },
      ),
    );
  });
});
