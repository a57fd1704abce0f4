import * as fc from "fast-check";
import { expect, it } from "vitest";
import { InvariantViolation } from "../../core/invariant.ts";
import { Heap } from "./heap.ts";

interface Item {
  value: number;
  index: number;
}

function aHeap(): Heap<Item> {
  return new Heap({
    isBefore: (a, b) => a.value < b.value,
    moved: (item, index) => {
      item.index = index;
    },
  });
}

it("gives the smallest first, whatever came, left or changed before", () => {
  const step = fc.record({
    kind: fc.constantFrom("add", "add", "remove", "change"),
    at: fc.nat(),
    value: fc.integer({ min: 0, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = aHeap();
      const items: Item[] = [];
      for (const { kind, at, value } of steps) {
        const item = items[at % Math.max(1, items.length)];
        if (kind === "add" || item === undefined) {
          const added = { value, index: -1 };
          items.push(added);
          heap.add(added);
        } else if (kind === "remove") {
          heap.remove(item, item.index);
          items.splice(items.indexOf(item), 1);
        } else {
          item.value = value;
          heap.resort(item, item.index);
        }
        expect(heap.size).toBe(items.length);
        expect(heap.first()?.value).toBe(
          items.length === 0 ? undefined : Math.min(...items.map((one) => one.value)),
        );
      }
    }),
  );
});

it("refuses to remove an item from where it does not stand", () => {
  const heap = aHeap();
  const item = { value: 1, index: -1 };
  heap.add(item);

  expect(() => heap.remove({ value: 1, index: 0 }, 0)).toThrow(InvariantViolation);
  expect(() => heap.resort(item, 1)).toThrow(InvariantViolation);
});
