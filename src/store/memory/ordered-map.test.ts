import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantViolation } from "../../core/invariant.ts";
import { OrderedMap } from "./ordered-map.ts";

function entries(map: OrderedMap<string>, after = -1): readonly string[] {
  return [...map.valuesAfter(after)];
}

describe("a OrderedMap", () => {
  it("does what a sorted list of entries would", () => {
    // Runs of neighbours, so that chunks fill, split and empty.
    const run = fc.record({
      from: fc.integer({ min: 0, max: 2_000 }),
      length: fc.integer({ min: 1, max: 300 }),
      step: fc.integer({ min: 1, max: 3 }),
      isAdd: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(run, { maxLength: 20 }), fc.nat({ max: 3_000 }), (runs, after) => {
        const map = new OrderedMap<string>();
        const model = new Map<number, string>();
        for (const { from, length, step, isAdd } of runs) {
          for (let key = from; key < from + length * step; key += step) {
            if (isAdd && !model.has(key)) {
              map.add(key, `v${key}`);
              model.set(key, `v${key}`);
            } else if (!isAdd && model.delete(key)) {
              map.remove(key);
            }
          }
        }
        const sorted = [...model.keys()].toSorted((a, b) => a - b);
        expect(map.size).toBe(model.size);
        expect(entries(map)).toEqual(sorted.map((key) => `v${key}`));
        expect(entries(map, after)).toEqual(
          sorted.filter((key) => key > after).map((key) => `v${key}`),
        );
        for (const key of [after, ...sorted.slice(0, 50)])
          expect(map.get(key)).toBe(model.get(key));
      }),
    );
  });

  it("takes keys in any order", () => {
    const map = new OrderedMap<string>();
    const keys = Array.from({ length: 1_000 }, (_, index) => (index * 617) % 1_000);

    for (const key of keys) map.add(key, `v${key}`);

    expect(entries(map)).toEqual(Array.from({ length: 1_000 }, (_, key) => `v${key}`));
  });

  it("takes the largest whole number", () => {
    const map = new OrderedMap<string>();

    map.add(Number.MAX_SAFE_INTEGER, "last");

    expect(entries(map, Number.MAX_SAFE_INTEGER - 1)).toEqual(["last"]);
  });

  it("refuses a key that it has, and to remove one that it has not", () => {
    const map = new OrderedMap<string>();
    map.add(5, "five");

    expect(() => map.add(5, "again")).toThrow(InvariantViolation);
    expect(() => map.remove(6)).toThrow(InvariantViolation);
    expect(entries(map)).toEqual(["five"]);
  });
});
