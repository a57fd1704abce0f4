import { describe, expect, it } from "vitest";
import { Histogram } from "./histogram.ts";

describe("a histogram of durations", () => {
  it("knows nothing before the first", () => {
    expect(Histogram.empty().stats()).toEqual({
      ...{ count: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 },
    });
  });

  it.each([0.001, 0.05, 1, 17, 4_000, 200_000])("is right to 13 %% for %s ms", (durationMs) => {
    const histogram = Histogram.empty();

    // The longest bounds every quantile, so it must not be the one that is looked at.
    for (let count = 0; count < 200; count++) histogram.record(durationMs);
    histogram.record(220_000);

    expect(histogram.stats().p50Ms).toBeGreaterThanOrEqual(durationMs);
    expect(histogram.stats().p50Ms).toBeLessThanOrEqual(durationMs * 1.13 + 0.000_13);
  });

  it("tells quantiles apart", () => {
    const histogram = Histogram.empty();
    for (let ms = 1; ms <= 1_000; ms++) histogram.record(ms);

    const { count, meanMs, p50Ms, p90Ms, p99Ms, maxMs } = histogram.stats();

    expect([count, meanMs, maxMs]).toEqual([1_000, 500.5, 1_000]);
    expect(p50Ms / 500).toBeCloseTo(1, 0);
    expect(p90Ms / 900).toBeCloseTo(1, 0);
    expect(p99Ms).toBeGreaterThan(p90Ms);
  });

  it("puts all that is too long into its last bucket, and what is no duration into the first", () => {
    const histogram = Histogram.empty();

    histogram.record(1e12);
    histogram.record(-5);

    expect(histogram.stats().count).toBe(2);
    expect(histogram.stats().maxMs).toBe(1e12);
  });

  it("adds another one to itself", () => {
    const [one, other] = [Histogram.empty(), Histogram.empty()];
    one.record(1);
    other.record(3);

    one.add(other);

    expect(one.stats()).toMatchObject({ count: 2, meanMs: 2, maxMs: 3 });
  });
});
