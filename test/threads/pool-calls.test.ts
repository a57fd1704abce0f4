import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, it } from "vitest";
import { ThreadPool } from "../../src/threads/index.ts";
import { aPool, rejection, until } from "./a-pool.ts";
import type * as work from "./fixtures/work.ts";

describe("a call of a pool", () => {
  it("resolves with what the function returns, or its promise", async () => {
    await using pool = aPool();

    expect(await pool.call.increment({ a: 1 })).toEqual({ b: 2 });
    expect(await pool.call.later(5)).toBe(5);
    expect(await pool.call.nothing()).toBeUndefined();
    expect(await pool.call.optional()).toBe(-1);
  });

  it("keeps answers and calls together, however many are under way", async () => {
    await using pool = aPool({ threads: 2 });
    const inputs = Array.from({ length: 5_000 }, (_, index) => index);

    const results = await Promise.all(
      inputs.map((index) => (index % 3 === 0 ? pool.call.later(index) : pool.call.echo(index))),
    );

    expect(results).toEqual(inputs);
  });

  it("carries values of all kinds and sizes both ways", async () => {
    await using pool = aPool();
    const values = [
      new Map([[1, new Date(5)]]),
      { long: "ä".repeat(200_000) },
      new Uint8Array(300_000).fill(9),
      Array.from({ length: 20_000 }, (_, index) => ({ index })),
      "",
    ];

    const results = await Promise.all(values.map((value) => pool.call.echo(value)));

    expect(results).toEqual(values);
  });

  it("reads its input when it is made", async () => {
    await using pool = aPool();
    const input = { a: 1 };

    const result = pool.call.increment(input);
    input.a = 100;

    expect(await result).toEqual({ b: 2 });
  });

  it("rejects with the error that was thrown: its name, message, stack, fields and causes", async () => {
    await using pool = aPool();

    const error = await rejection<Error & { line: number; cause: Error }>(pool.call.throwOwn());

    expect(error).toMatchObject({ name: "ParseError", message: "bad line", line: 7 });
    expect(error.stack).toContain("fixtures/work.ts");
    expect(error.cause).toMatchObject({ name: "TypeError", message: "why" });
  });

  it("rejects with an error of the same built-in class", async () => {
    await using pool = aPool();

    const thrown = await rejection(pool.call.throwRange());
    const rejected = await rejection(pool.call.rejectLater());

    expect(thrown).toBeInstanceOf(RangeError);
    expect(thrown).toMatchObject({ code: "ERR_TOO_FAR", message: "too far" });
    expect(rejected).toBeInstanceOf(SyntaxError);
  });

  it.each([["a text"], [undefined], [{ status: 4 }]])(
    "rejects with a value that was thrown: %o",
    async (value) => {
      await using pool = aPool();

      expect(await rejection(pool.call.throwValue(value))).toEqual(value);
    },
  );

  it("of a function that the module does not export says which there are", async () => {
    await using pool = aPool();
    const calls = pool.call as unknown as Record<"incremnt", () => Promise<unknown>>;

    const error = await rejection(calls.incremnt());

    expect(error).toMatchObject({ code: "UNJAM_CALL_UNKNOWN", details: { call: "incremnt" } });
    expect(error.details["known"]).toContain("increment");
  });

  it("refuses an input and a result that cannot be cloned, and the thread goes on", async () => {
    await using pool = aPool();
    await pool.call.count();

    const input = await rejection(pool.call.echo(() => 1));
    const result = await rejection(pool.call.giveFunction());

    expect(input).toMatchObject({ code: "UNJAM_CALL_NOT_CLONEABLE", details: { what: "input" } });
    expect(result).toMatchObject({ code: "UNJAM_CALL_NOT_CLONEABLE", details: { what: "result" } });
    expect(await pool.call.count()).toBe(2);
  });

  it("moves what is named in transfer, there and back", async () => {
    await using pool = aPool();
    const bytes = new Uint8Array(50_000).fill(2);

    const total = pool.call.sum(bytes, { transfer: [bytes.buffer] });
    const filled = (await pool.call.fill(10)) as Uint8Array;

    expect(bytes.byteLength).toBe(0);
    expect(await total).toBe(100_000);
    expect([...filled]).toEqual(Array.from({ length: 10 }, () => 3));
  });

  it("is refused at once beyond the capacity, and by name", async () => {
    await using pool = aPool({ capacity: 2 });
    const admitted = [pool.call.count(), pool.call.count()];

    const error = await rejection(pool.call.count());

    expect(error).toMatchObject({
      code: "UNJAM_QUEUE_FULL",
      details: { queue: "work", capacity: 2 },
    });
    expect(await Promise.all(admitted)).toEqual([1, 2]);
    expect(pool.stats()).toMatchObject({ done: 2, refused: 1 });
  });

  it("sees how much of its time is left", async () => {
    await using pool = aPool();

    const leftMs = await pool.call.timeLeft(undefined, { timeoutMs: 60_000 });

    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(60_000);
  });

  it("goes on in the caller's async context, also in listeners of its promise", async () => {
    await using pool = aPool();
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];

    await Promise.all(
      ["one", "two"].map((name) =>
        storage.run(name, async () => {
          await pool.call.increment({ a: 1 });
          seen.push(storage.getStore());
          await pool.call.throwRange().catch(() => seen.push(storage.getStore()));
        }),
      ),
    );

    expect(seen.filter((name) => name === "one")).toHaveLength(2);
    expect(seen.filter((name) => name === "two")).toHaveLength(2);
  });

  it("of an option that is not known or out of bounds is refused", async () => {
    await using pool = aPool();
    // @ts-expect-error -- the types refuse it too.
    const misspelt = await rejection(pool.call.increment({ a: 1 }, { timeout: 5 }));
    const outside = await rejection(pool.call.increment({ a: 1 }, { timeoutMs: 0 }));

    expect(misspelt.code).toBe("UNJAM_UNKNOWN_OPTION");
    expect(outside.code).toBe("UNJAM_INVALID_OPTION");
  });
});

describe("a pool", () => {
  it("leaves the loop of its threads to what functions have started", async () => {
    await using pool = aPool();
    const memory = new SharedArrayBuffer(4);

    await pool.call.tickInBackground(memory);
    const cells = new Int32Array(memory);
    await until(() => Atomics.load(cells, 0) >= 20);

    expect(await pool.call.echo("still here")).toBe("still here");
  });

  it("starts threads when calls need them, and all of them when it is warmed up", async () => {
    await using pool = aPool({ threads: 2 });
    const before = pool.stats().threads;
    await pool.call.count();
    const afterOne = pool.stats().threads;

    await pool.warmUp();

    expect([before, afterOne, pool.stats().threads]).toEqual([0, 1, 2]);
  });

  it("ends threads that have nothing to do, down to the least", async () => {
    await using pool = aPool({ threads: 2, threadsMin: 1, idleMs: 20 });
    await pool.warmUp();

    await until(() => pool.stats().threads === 1);

    expect(await pool.call.echo(1)).toBe(1);
  });

  it("renews a thread after so many calls, without losing one", async () => {
    await using pool = aPool({ renew: { calls: 3 } });
    const counts: number[] = [];

    while (pool.stats().replaced < 2) counts.push(await pool.call.count());

    expect(counts.slice(0, 3)).toEqual([1, 2, 3]);
    expect(counts.filter((value) => value === 1).length).toBeGreaterThanOrEqual(2);
    expect(pool.stats()).toMatchObject({ done: counts.length, failed: 0, lost: 0 });
  });

  it("renews a thread whose memory has grown", async () => {
    await using pool = aPool({ renew: { heapBytes: 100_000_000 } });
    let sinceNew = 0;

    while (pool.stats().replaced === 0) sinceNew = await pool.call.leak(5_000_000);

    expect(sinceNew).toBeGreaterThan(10);
    expect(await pool.call.count()).toBe(1);
  });

  it("whose module cannot be loaded rejects its calls with the module's error", async () => {
    const module = new URL("./fixtures/broken.ts", import.meta.url);
    await using pool = new ThreadPool<{ run(): void }>({ module });

    const call = await rejection<Error>(pool.call.run());
    const warmUp = await rejection<Error>(pool.warmUp());

    expect(call).toMatchObject({ code: "UNJAM_POOL_MODULE_FAILED" });
    expect(call.cause).toMatchObject({
      name: "TypeError",
      message: "this module cannot be loaded",
    });
    expect(warmUp).toMatchObject({ code: "UNJAM_POOL_MODULE_FAILED" });
  });

  it("whose module does not exist is refused when it is made", () => {
    const module = new URL("./fixtures/nowhere.ts", import.meta.url);

    expect(() => new ThreadPool({ module })).toThrow(
      expect.objectContaining({ code: "UNJAM_POOL_MODULE_NOT_FOUND" }),
    );
  });

  it("finds the sibling of the other kind, as after a build", async () => {
    const module = new URL("./fixtures/work.js", import.meta.url);
    await using pool = new ThreadPool<typeof work>({ module });

    expect(await pool.call.echo(1)).toBe(1);
  });

  it("that is closed refuses calls, and finishes those that it has", async () => {
    const pool = aPool();
    const calls = [pool.call.later(1), pool.call.later(2)];

    const closing = pool.close();
    const late = await rejection(pool.call.later(3));
    await closing;

    expect(await Promise.all(calls)).toEqual([1, 2]);
    expect(late.code).toBe("UNJAM_POOL_CLOSED");
    await pool.close();
  });

  it("that is closed without grace rejects what it has", async () => {
    const pool = aPool();
    const call = rejection(pool.call.neverSettles());

    await pool.close({ graceMs: 0 });

    expect((await call).code).toBe("UNJAM_POOL_CLOSED");
  });

  it("is ended at once by `using`", async () => {
    let call: Promise<{ code: string }>;
    {
      using pool = aPool();
      call = rejection(pool.call.neverSettles());
    }

    expect((await call).code).toBe("UNJAM_POOL_CLOSED");
  });

  it("counts what it has done, and how long that took", async () => {
    await using pool = aPool();
    await Promise.all(Array.from({ length: 50 }, () => pool.call.count()));
    await rejection(pool.call.throwRange());

    const stats = pool.stats();

    expect(stats).toMatchObject({ name: "work", threads: 1, done: 50, failed: 1, waiting: 0 });
    expect(stats.runs.count).toBe(51);
    expect(stats.waits.count).toBe(51);
    expect(stats.runs.maxMs).toBeGreaterThan(0);
    expect(stats.utilization).toBeGreaterThan(0);
    expect(stats.utilization).toBeLessThanOrEqual(1);
  });
});
