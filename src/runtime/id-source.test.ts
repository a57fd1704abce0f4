import { describe, expect, it } from "vitest";
import { ID_BLOCK_SIZE } from "../core/limits.ts";
import { IdSource } from "./id-source.ts";

/** Ids from a store whose blocks are answered by the test; each begins where the last ended. */
function aSource({ isHeld = false } = {}) {
  let next = 1;
  let asked = 0;
  let failure: Error | undefined;
  const held: (() => void)[] = [];
  const source = new IdSource(async () => {
    asked++;
    if (failure !== undefined) throw failure;
    const first = next;
    next += ID_BLOCK_SIZE;
    if (isHeld) await new Promise<void>((resolve) => held.push(resolve));
    return first;
  });
  return {
    source,
    askedCount: () => asked,
    answer: () => held.shift()?.(),
    fail: (error: Error | undefined) => (failure = error),
  };
}

/** Uses up a block but for `left` numbers. */
async function useUp(source: IdSource, left: number): Promise<void> {
  await source.take(ID_BLOCK_SIZE - left);
}

describe("the id source", () => {
  it("has nothing before the first block", () => {
    const { source } = aSource();

    expect(source.takeNow(1)).toBeUndefined();
    expect(source.takeOneNow()).toBe(0);
  });

  it("gives numbers in order, each once", async () => {
    const { source } = aSource();

    const ids = [...(await source.take(2)), source.takeOneNow(), ...(source.takeNow(3) ?? [])];

    expect(ids).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("asks for one block however many wait for it", async () => {
    const { source, askedCount } = aSource();

    const taken = await Promise.all([source.take(1), source.take(1), source.take(2)]);

    expect(taken.flat()).toEqual([1, 2, 3, 4]);
    expect(askedCount()).toBe(1);
  });

  it("prepares the first block, and only that", async () => {
    const { source, askedCount } = aSource();

    await source.prepare();
    await source.prepare();

    expect(askedCount()).toBe(1);
    expect(source.takeOneNow()).toBe(1);
  });

  it("asks for the next block before the current one is used up", async () => {
    const { source, askedCount } = aSource();

    await useUp(source, ID_BLOCK_SIZE / 4);
    const askedBefore = askedCount();
    source.takeOneNow();

    expect(askedBefore).toBe(1);
    expect(askedCount()).toBe(2);
  });

  it("goes on without a pause from one block to the next", async () => {
    const { source } = aSource();
    await useUp(source, 10);
    await Promise.resolve();

    const last = source.takeNow(10);
    const first = source.takeOneNow();

    expect(last?.at(-1)).toBe(ID_BLOCK_SIZE);
    expect(first).toBe(ID_BLOCK_SIZE + 1);
  });

  it("gives the numbers of one batch from one block", async () => {
    const { source } = aSource();
    await useUp(source, 3);
    await Promise.resolve();

    const ids = await source.take(5);

    expect(ids).toEqual(Array.from({ length: 5 }, (_, index) => ID_BLOCK_SIZE + 1 + index));
  });

  it("waits for a block that is on its way when the last one is used up", async () => {
    const { source, answer } = aSource({ isHeld: true });
    const prepared = source.prepare();
    answer();
    await prepared;
    await useUp(source, 0);

    const now = source.takeOneNow();
    const later = source.take(1);
    answer();

    expect(now).toBe(0);
    expect(await later).toEqual([ID_BLOCK_SIZE + 1]);
  });

  it("tells who waits that reserving failed, and asks again for the next", async () => {
    const { source, fail } = aSource();
    fail(new Error("locked"));
    const refused = source.take(1);
    await expect(refused).rejects.toThrow();

    fail(undefined);

    expect(await source.take(1)).toEqual([1]);
  });

  it("forgives a failure while it fetches ahead", async () => {
    const { source, fail } = aSource();
    await source.prepare();
    fail(new Error("locked"));
    await useUp(source, 1);

    fail(undefined);

    expect(source.takeOneNow()).toBe(ID_BLOCK_SIZE);
    expect(await source.take(1)).toEqual([ID_BLOCK_SIZE + 1]);
  });
});
