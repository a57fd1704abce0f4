import { describe, expect, it } from "vitest";
import { open, task } from "../../src/index.ts";
import { quietLogger } from "./quiet-logger.ts";
import { SystemFolder } from "./system-folder.ts";

const ITEMS = 500;
const isBad = (n: number): boolean => n % 50 === 49;

describe("a batch", () => {
  it("ends with its join, which says how many items were done, how many failed, and why", async () => {
    await using folder = await SystemFolder.make();
    const item = task("item", { attempts: 2, backoff: { firstMs: 1 } }, async (n: number) => {
      if (isBad(n)) throw new Error(`item ${n} is bad`);
    });
    const app = await open({ store: folder.store, tasks: [item], logger: quietLogger });
    await app.enqueueMany(
      item,
      Array.from({ length: ITEMS }, (_, n) => n),
    );

    const joined = await app.join({ waitMs: 60_000 });
    await app.close();

    expect(joined).toMatchObject({ done: 490, failed: 10 });
    expect(joined.errors).toHaveLength(10);
    expect(new Set(joined.errors.map(({ error }) => error))).toContain("item 49 is bad");
  });

  it("goes on where it was after a restart in its middle, and does nothing that is done again", async () => {
    await using folder = await SystemFolder.make();
    const runs = new Map<number, number>();
    const half = Promise.withResolvers<void>();
    const item = task("item", {}, async (n: number) => {
      runs.set(n, (runs.get(n) ?? 0) + 1);
      if (runs.size === ITEMS / 2) half.resolve();
      await new Promise(setImmediate);
    });
    const before = await open({ store: folder.store, tasks: [item], work: { loop: 4 } });
    await before.enqueueMany(
      item,
      Array.from({ length: ITEMS }, (_, n) => n),
    );
    await half.promise;
    await before.close();
    const doneBefore = runs.size;

    const after = await open({ store: folder.store, tasks: [item], work: { loop: 4 } });
    const { done } = await after.join({ waitMs: 60_000 });
    await after.close();

    expect(doneBefore).toBeLessThan(ITEMS);
    expect(runs.size).toBe(ITEMS);
    expect(new Set(runs.values())).toEqual(new Set([1]));
    expect(doneBefore + done).toBe(ITEMS);
  });
});
