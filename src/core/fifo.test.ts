import { array, assert, integer, property } from "fast-check";
import { expect, it } from "vitest";
import { collectUntil } from "../../test/sync/collector.ts";
import { Fifo } from "./fifo.ts";

it("does what an array with push, unshift and shift does, over many compactions", () => {
  assert(
    property(array(integer({ min: -900, max: 1_200 }), { maxLength: 40 }), (steps) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      let next = 1;
      for (const step of steps) {
        for (let count = 0; count < step; count++) {
          fifo.push(next);
          model.push(next++);
        }
        // Some are put back, as far as they came: over the edge of the ring as well.
        for (let count = step % 7; count > 0; count--) {
          fifo.unshift(next);
          model.unshift(next++);
        }
        for (let count = 0; count > step; count--) expect(fifo.shift()).toBe(model.shift());
        expect(fifo.size).toBe(model.length);
        expect(fifo.peek()).toBe(model[0]);
      }
      expect([...fifo]).toEqual(model);
    }),
    { numRuns: 50 },
  );
});

it("lets go of what was taken while something still waits behind it", async () => {
  const fifo = new Fifo<object>();
  let isCollected = false;
  const watcher = new FinalizationRegistry(() => (isCollected = true));
  (() => {
    const taken = { heavy: "x".repeat(100) };
    watcher.register(taken, 0);
    fifo.push(taken);
    fifo.push({});
    fifo.shift();
  })();

  await collectUntil(() => isCollected, "what was taken is let go of");

  expect(fifo.size).toBe(1);
});
