import * as fc from "fast-check";
import { expect, it } from "vitest";
import { takeMerged } from "./merge.ts";

it("takes the smallest values of all sources, in order, up to the limit", () => {
  const source = fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(source, { maxLength: 6 }), fc.nat({ max: 40 }), (lists, limit) => {
      const sorted = lists.map((list) => list.toSorted((a, b) => a - b));

      const taken = takeMerged(
        sorted.map((list) => list.values()),
        limit,
        (a, b) => a < b,
      );

      expect(taken).toEqual(
        sorted
          .flat()
          .toSorted((a, b) => a - b)
          .slice(0, limit),
      );
    }),
  );
});

it("reads no further than it must", () => {
  let readCount = 0;
  function* source(): Generator<number> {
    for (let value = 0; value < 1_000_000; value++) {
      readCount++;
      yield value;
    }
  }

  takeMerged([source(), source()], 10, (a, b) => a < b);

  expect(readCount).toBeLessThan(20);
});
