import * as fc from "fast-check";
import { expect, it } from "vitest";
import { TextMap } from "./text-map.ts";

it("a TextMap does what a Map does", () => {
  const step = fc.record({
    text: fc.string({ maxLength: 3, unit: "binary" }),
    isDelete: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const map = new TextMap<number>();
      const model = new Map<string, number>();
      for (const [index, { text, isDelete }] of steps.entries()) {
        if (isDelete) {
          map.delete(text);
          model.delete(text);
        } else {
          map.set(text, index);
          model.set(text, index);
        }
      }
      for (const { text } of steps) expect(map.get(text)).toBe(model.get(text));
    }),
  );
});

it("a TextMap tells long texts apart that differ only at their beginning", () => {
  const map = new TextMap<number>();
  const tail = "x".repeat(100);
  map.set(`a${tail}`, 1);
  map.set(`b${tail}`, 2);

  expect(map.get(`a${tail}`)).toBe(1);
  expect(map.get(`b${tail}`)).toBe(2);
  expect(map.get(tail)).toBeUndefined();
});
