import { describe, expect, it, vi } from "vitest";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";
import { JoinableQueue } from "./joinable-queue.ts";

describe("put", () => {
  it("resolves with added when there is room", async () => {
    const { queue } = new QueueStage<string>();

    expect(await queue.put("a")).toBe("added");
    expect(await queue.put("b", { waitMs: 0 })).toBe("added");
    expect([queue.size, queue.unfinished]).toEqual([2, 2]);
  });

  it("waits for room behind those who came before, and in their order", async () => {
    const { queue, rest } = staged(1);
    await queue.put("a");
    const order: string[] = [];
    for (const name of ["b", "c", "d"]) void queue.put(name).then(() => order.push(name));

    queue.tryGet()?.done();
    await rest();
    expect(order).toEqual(["b"]);
    queue.tryGet()?.done();
    queue.tryGet()?.done();
    await rest();

    expect(order).toEqual(["b", "c", "d"]);
    expect(queue.tryGet()?.value).toBe("d");
  });

  it("does not pass those who wait", async () => {
    const { queue, rest } = staged(2);
    await queue.put("a");
    await queue.put("b");
    const waiting = [watch(queue.put("c")), watch(queue.put("d"))];

    queue.tryGet();
    expect(queue.tryPut("late")).toBe(false);
    await rest();

    expect(waiting.map(({ isPending }) => isPending)).toEqual([false, true]);
  });

  it("gives an item to a getter who waits, without a word to the capacity", async () => {
    const { queue } = staged(1);
    const got = queue.get();

    await Promise.all([queue.put("a"), queue.put("b")]);

    expect((await got).value).toBe("a");
    expect(queue.size).toBe(1);
  });
});

describe("tryPut", () => {
  it("says whether there was room, and whether the queue is open", () => {
    const { queue } = staged(1);

    expect(queue.tryPut("a")).toBe(true);
    expect(queue.tryPut("b")).toBe(false);
    queue.close();
    queue.tryGet();
    expect(queue.tryPut("c")).toBe(false);
    expect(queue.unfinished).toBe(1);
  });
});

describe("get and tryGet", () => {
  it("give items to getters in the order in which they asked", async () => {
    const { queue, rest } = staged(10);
    const got: string[] = [];
    for (const name of ["1", "2", "3"]) {
      void queue.get().then(({ value }) => got.push(`${name} ${value}`));
    }

    for (const value of ["a", "b", "c"]) queue.tryPut(value);
    await rest();

    expect(got).toEqual(["1 a", "2 b", "3 c"]);
  });

  it("take at once what is there", async () => {
    const { queue } = staged(10);
    queue.tryPut("a");
    queue.tryPut("b");

    expect((await queue.get({ waitMs: 0 })).value).toBe("a");
    expect(queue.tryGet()?.value).toBe("b");
    expect(queue.tryGet()).toBeUndefined();
  });
});

describe("the order of items", () => {
  it("is first in, first out unless told otherwise", () => {
    const stage = new QueueStage<number>();
    for (const n of [3, 1, 2]) stage.queue.tryPut(n);

    expect(stage.drain()).toEqual([3, 1, 2]);
  });

  it("is the newest first with lifo", () => {
    const stage = new QueueStage<number>({ order: "lifo" });
    for (const n of [3, 1, 2]) stage.queue.tryPut(n);

    expect(stage.drain()).toEqual([2, 1, 3]);
  });

  it("is the lowest rank first with by, and among equals the first to come", async () => {
    const stage = new QueueStage<string>({ order: { by: (text) => text.length } });
    await Promise.all(["ccc", "b1", "a", "b2", "ddd", "b3"].map((text) => stage.queue.put(text)));

    expect(stage.drain()).toEqual(["a", "b1", "b2", "b3", "ccc", "ddd"]);
  });

  it("stays so by rank whatever comes between, and what waits is named in it", async () => {
    const stage = new QueueStage<number>({ order: { by: (n) => n } });
    const ranks = [5, 3, 8, 1, 9, 2, 7, 4, 6, 0];
    const sorted = ranks.map((_, n) => n);
    for (const n of ranks) stage.queue.tryPut(n);
    stage.queue.tryGet()?.putBack();
    const join = watch(stage.queue.join({ waitMs: 1 }));
    await stage.advance(1);

    expect(join.reason).toMatchObject({
      details: { unfinished: sorted.map((n) => ({ task: String(n), state: "queued" })) },
    });
    expect(stage.drain()).toEqual(sorted);
  });

  it("ranks a value once, when it is put", () => {
    let rankedCount = 0;
    const by = (n: number): number => {
      rankedCount++;
      return n;
    };
    const stage = new QueueStage<number>({ order: { by } });
    for (let n = 100; n > 0; n--) stage.queue.tryPut(n);
    stage.queue.tryGet()?.putBack();

    expect(stage.drain()).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    expect(rankedCount).toBe(100);
  });

  it.each(["fifo", "lifo", { by: (n: number) => n }] as const)(
    "brings what was put back first among its equals: %j",
    (order) => {
      const stage = new QueueStage<number>({ order });
      for (const n of [5, 5, 5]) stage.queue.tryPut(n);
      const lease = stage.queue.tryGet();

      lease?.putBack();

      expect([stage.queue.size, stage.queue.unfinished]).toEqual([3, 3]);
      expect(stage.queue.tryGet()?.value).toBe(lease?.value);
    },
  );

  it.each(["fifo", "lifo", { by: (n: number) => n }] as const)(
    "holds over thousands of items of which most were dropped: %j",
    async (order) => {
      const stage = new QueueStage<number>({ order, capacity: 10_000 });
      const { queue } = stage;
      const stop = new AbortController();
      for (let n = 0; n < 6_000; n++) {
        if (n % 3 === 0) queue.tryPut(n);
        else watch(queue.ask(n, { signal: stop.signal }));
      }

      stop.abort();
      await stage.rest();

      const kept = Array.from({ length: 6_000 }, (_, n) => n).filter((n) => n % 3 === 0);
      expect(queue.size).toBe(2_000);
      expect(queue.snapshot()).toMatchObject({ size: 2_000, unfinished: 2_000 });
      expect(stage.drain()).toEqual(order === "lifo" ? kept.toReversed() : kept);
    },
  );

  it("refuses a value whose rank is not a number, and lets it in nowhere", async () => {
    const { queue } = new QueueStage<unknown>({ order: { by: Number } });

    await expect(queue.put("x")).rejects.toMatchObject({ code: "UNJAM_INVALID_OPTION" });
    await expect(queue.ask("x")).rejects.toMatchObject({ code: "UNJAM_INVALID_OPTION" });
    expect(() => queue.tryPut("x")).toThrow(
      expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
    );
    expect([queue.size, queue.unfinished]).toEqual([0, 0]);
  });
});

describe("pause", () => {
  it("keeps consumers and getters from taking until resume, while producers meet the capacity", async () => {
    const { queue, rest } = staged(2);
    const seen: string[] = [];
    queue.consume((value) => void seen.push(value));
    await rest();

    queue.pause();
    queue.tryPut("a");
    queue.tryPut("b");
    const late = watch(queue.put("c"));
    await rest();
    expect(queue.tryGet()).toBeUndefined();
    expect({ seen, isPending: late.isPending }).toEqual({ seen: [], isPending: true });
    expect(queue.snapshot().isPaused).toBe(true);
    queue.resume();
    await rest();

    expect(seen).toEqual(["a", "b", "c"]);
    expect(late.value).toBe("added");
  });
});

describe("what a queue says about itself", () => {
  it("is its name, capacity, size, unfinished, consumers, waiters and drops", async () => {
    const stage = new QueueStage<string>({ name: "lines", capacity: 1 });
    const { queue } = stage;
    const consumer = queue.consume(() => undefined, { concurrency: 3 });
    await stage.rest();
    expect(queue.snapshot()).toMatchObject({ takers: 3, consumers: 1 });
    queue.pause();
    queue.tryPut("a");
    const waiting = watch(queue.put("b"));
    await queue.put("c", { whenFull: "drop-newest" });

    expect(queue.snapshot()).toEqual({
      ...{ name: "lines", phase: "open", isPaused: true, capacity: 1, size: 1, unfinished: 1 },
      ...{ putters: 1, takers: 3, consumers: 1, droppedCount: 1, holders: [] },
      waits: [expect.objectContaining({ what: 'room in queue "lines"' })],
    });
    expect([queue.name, queue.capacity, queue.consumers]).toEqual(["lines", 1, 1]);
    consumer.stop();
    expect(queue.snapshot()).toMatchObject({ putters: 0, takers: 0, consumers: 0 });
    await stage.rest();
    expect(waiting.code).toBe("UNJAM_NO_CONSUMER");
  });

  it("names who holds what, since when, and where it was taken", async () => {
    const stage = new QueueStage<unknown>({ diagnostics: "full" });
    const { queue } = stage;
    for (const value of [
      "text",
      7,
      { secret: 1 },
      [1],
      null,
      undefined,
      () => 1,
      "x".repeat(200),
    ]) {
      queue.tryPut(value);
      queue.tryGet();
    }
    await stage.advance(1_500);

    const holders = queue.holders();

    expect(holders.map(({ value }) => value)).toEqual([
      ...['"text"', "7", "an object", "an array", "null", "undefined", "a function"],
      JSON.stringify(`${"x".repeat(80)}…`),
    ]);
    expect(holders[0]).toMatchObject({ holder: "a lease", sinceMs: 1_500, waitsFor: null });
    expect(holders[0]?.site).toMatch(/^joinable-queue\.test\.ts:\d+/);
  });

  it("names values as describe says, also when describe throws", () => {
    const { queue } = new QueueStage<string>({
      describe: (value) => {
        if (value === "bad") throw new Error("no words");
        return value.toUpperCase();
      },
    });
    for (const value of ["a", "bad"]) queue.tryPut(value);
    queue.tryGet();
    queue.tryGet();

    expect(queue.holders().map(({ value }) => value)).toEqual([
      "A",
      '"bad" (describe() threw: Error: no words)',
    ]);
  });

  it("names a slot of a consumer and the place where it was started", async () => {
    const stage = new QueueStage<string>({ diagnostics: "full" });
    const { queue } = stage;
    queue.consume(() => new Promise(() => undefined), { concurrency: 2, name: "pair" });
    queue.tryPut("a");
    await stage.rest();

    expect(queue.holders()).toEqual([
      expect.objectContaining({ value: '"a"', holder: "pair#1", sinceMs: 0 }),
    ]);
    expect(queue.holders()[0]?.site).toMatch(/^joinable-queue\.test\.ts:\d+/);
  });

  it("names a slot that was given an item and has not begun with it", async () => {
    const { queue, rest } = staged(1);
    queue.consume(() => undefined, { name: "idle" });
    await rest();

    queue.tryPut("a");

    expect(queue.holders()).toEqual([
      expect.objectContaining({ value: '"a"', holder: "idle", sinceMs: 0, waitsFor: null }),
    ]);
  });

  it("goes to the console as a warning unless it is told another logger", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
    const queue = new JoinableQueue<string>({ name: "loud", capacity: 1 });
    queue.tryPut("a");

    await queue.put("b", { whenFull: "drop-newest" });

    expect(warn.mock.calls).toEqual([
      [
        "unjam: a queue is full; callers are refused or items dropped",
        { queue: "loud", capacity: 1, count: 1, droppedCount: 1 },
      ],
    ]);
    warn.mockRestore();
  });

  it("names no place with diagnostics off", async () => {
    const stage = new QueueStage<string>({ diagnostics: "off" });
    const { queue } = stage;
    queue.tryPut("a");
    queue.tryGet();
    queue.consume(() => new Promise(() => undefined));
    queue.tryPut("b");
    await stage.rest();

    expect(queue.holders().map(({ site }) => site)).toEqual([null, null]);
  });

  it("names the getter's own place when somebody else's put ended his wait", async () => {
    const stage = new QueueStage<string>({ diagnostics: "full" });
    const { queue } = stage;
    const getter = (): Promise<unknown> => queue.get();
    const putter = (): boolean => queue.tryPut("a");
    watch(getter());

    putter();
    await stage.rest();

    expect(queue.holders()[0]?.site).toMatch(/in getter$/);
  });
});

describe("a queue of the runtime's own clock", () => {
  it("runs the example of its documentation", async () => {
    const queue = new JoinableQueue<number, number>({ capacity: 1_000, name: "squares" });
    const consumer = queue.consume(async (n) => n * n, { concurrency: 4 });

    expect(await queue.ask(7)).toBe(49);
    for (let n = 0; n < 1_000; n++) await queue.put(n, { waitMs: 500 });
    expect(await queue.join({ waitMs: 10_000 })).toEqual({ done: 1_001, failed: 0, errors: [] });
    consumer.stop();
    await consumer.finished;
  });
});

function staged(capacity: number): { queue: JoinableQueue<string>; rest: () => Promise<void> } {
  const stage = new QueueStage<string>({ capacity, waitersMax: 100 });
  return { queue: stage.queue, rest: () => stage.rest() };
}
