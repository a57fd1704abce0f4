import { describe, expect, it } from "vitest";
import { SEED, SeededChance } from "../../test/runtime/seeded-chance.ts";
import { NumberMap } from "./number-map.ts";

const STEPS = 20_000;
/** Few keys of each kind, so that they meet: small, beyond 32 bits, and all in one home. */
const KEYS = [
  ...Array.from({ length: 40 }, (_, index) => index),
  ...Array.from({ length: 40 }, (_, index) => 2 ** 45 + index),
  ...Array.from({ length: 40 }, (_, index) => index * 2 ** 32),
  ...Array.from({ length: 40 }, (_, index) => -1 - index),
];

describe("a number map", () => {
  it(`does what a Map does, for ${STEPS} random steps (seed ${SEED})`, () => {
    const chance = new SeededChance(SEED);
    const map = new NumberMap<number>();
    const model = new Map<number, number>();

    for (let step = 0; step < STEPS; step++) {
      const key = chance.pick(KEYS);
      if (chance.upTo(1) === 0) {
        map.set(key, step);
        model.set(key, step);
      } else {
        expect(map.delete(key)).toBe(model.delete(key));
      }
      const other = chance.pick(KEYS);
      expect(map.get(other)).toBe(model.get(other));
      expect(map.has(other)).toBe(model.has(other));
      expect(map.size).toBe(model.size);
    }

    expect([...map.keys()].toSorted(byNumber)).toEqual([...model.keys()].toSorted(byNumber));
    expect([...map.values()].toSorted(byNumber)).toEqual([...model.values()].toSorted(byNumber));
  });

  it("finds each of many keys, and none of them once they are removed", () => {
    const map = new NumberMap<number>();
    const keys = Array.from({ length: 10_000 }, (_, index) => 2 ** 40 + index * 7);
    for (const key of keys) map.set(key, key);
    const found = keys.filter((key) => map.get(key) === key).length;

    for (const key of keys) map.delete(key);

    expect(found).toBe(10_000);
    expect(keys.filter((key) => map.has(key))).toEqual([]);
    expect(map.size).toBe(0);
    expect([...map.values()]).toEqual([]);
  });

  it("takes keys again after it ran empty", () => {
    const map = new NumberMap<string>();
    for (let key = 0; key < 5_000; key++) map.set(key, "old");
    for (let key = 0; key < 5_000; key++) map.delete(key);

    map.set(4_999, "new");

    expect(map.get(4_999)).toBe("new");
    expect([...map.keys()]).toEqual([4_999]);
  });
});

function byNumber(a: number, b: number): number {
  return a - b;
}
