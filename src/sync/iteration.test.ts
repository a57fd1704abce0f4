import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { collectUntil } from "../../test/sync/collector.ts";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";

describe("for await", () => {
  it("marks each item done when the next is asked for, and ends when the queue is closed and empty", async () => {
    const stage = new QueueStage<string>();
    const seen: [string, number][] = [];
    for (const value of ["a", "b", "c"]) stage.queue.tryPut(value);
    stage.queue.close();

    for await (const value of stage.queue) seen.push([value, stage.queue.unfinished]);

    expect(seen).toEqual([
      ["a", 3],
      ["b", 2],
      ["c", 1],
    ]);
    expect(stage.queue.snapshot()).toMatchObject({ unfinished: 0, consumers: 0 });
  });

  it("marks the item done when it is left early, by a break or a throw", async () => {
    const stage = new QueueStage<string>();
    for (const value of ["a", "b", "c"]) stage.queue.tryPut(value);

    for await (const _ of stage.queue) break;
    const fail = async (): Promise<void> => {
      for await (const value of stage.queue) throw new Error(value);
    };
    await expect(fail()).rejects.toThrow("b");

    expect(stage.queue.snapshot()).toMatchObject({ size: 1, unfinished: 1, consumers: 0 });
    expect(stage.drain()).toEqual(["c"]);
  });

  it("leaves nothing behind when it is left while it waits", async () => {
    const stage = new QueueStage<string>();
    const stop = new AbortController();
    const loop = stage.queue.items({ signal: stop.signal });
    const next = watch(loop.next());

    await loop.return?.();
    await stage.rest();
    stage.queue.tryPut("a");

    expect(next.value).toEqual({ done: true, value: undefined });
    expect(stage.queue.snapshot()).toMatchObject({ consumers: 0, takers: 0, waits: [] });
    expect(getEventListeners(stop.signal, "abort")).toEqual([]);
    expect(stage.queue.tryGet()?.value).toBe("a");
  });

  it("puts the item back that came in the moment at which it was left", async () => {
    const stage = new QueueStage<string>();
    const loop = stage.queue[Symbol.asyncIterator]();
    const next = watch(loop.next());
    await stage.rest();

    stage.queue.tryPut("a");
    await loop.return?.();
    await stage.rest();

    expect(next.value).toEqual({ done: true, value: undefined });
    expect(stage.drain()).toEqual(["a"]);
  });

  it("waits for what comes, as a consumer, from the moment at which it was begun", async () => {
    const stage = new QueueStage<string>();
    const loop = stage.queue[Symbol.asyncIterator]();
    expect(stage.queue.consumers).toBe(1);
    const next = watch(loop.next());
    await stage.advance(3_600_000);
    expect(next.isPending).toBe(true);

    stage.queue.tryPut("a");
    await stage.rest();
    expect(next.value).toEqual({ done: false, value: "a" });
    const end = watch(loop[Symbol.asyncIterator]().next());
    stage.queue.close();
    await stage.rest();

    expect(end.value).toEqual({ done: true, value: undefined });
    expect(await loop.next()).toEqual({ done: true, value: undefined });
  });

  it("holds up the end of the queue until the last of several has left", async () => {
    const stage = new QueueStage<string>();
    const loops = [0, 1].map(() => stage.queue[Symbol.asyncIterator]());
    const disposed = watch(stage.queue[Symbol.asyncDispose]());

    await loops[0]?.return?.();
    await stage.rest();
    expect([disposed.isPending, stage.queue.consumers]).toEqual([true, 1]);
    await loops[1]?.return?.();
    await stage.rest();

    expect(disposed.isPending).toBe(false);
  });

  it("loses nothing when next is called twice before the first has come", async () => {
    const stage = new QueueStage<string>();
    const loop = stage.queue[Symbol.asyncIterator]();
    const nexts = [watch(loop.next()), watch(loop.next())];
    stage.queue.tryPut("a");
    stage.queue.tryPut("b");
    await stage.rest();

    await loop.return?.();

    expect(nexts.map(({ value }) => value)).toEqual([
      { done: false, value: "a" },
      { done: false, value: "b" },
    ]);
    expect(stage.queue.unfinished).toBe(0);
  });

  it("gives the loop of the runtime its turn after 10 ms of work", async () => {
    const { clock } = new QueueStage();
    let now = 0;
    let soonCount = 0;
    const timers = {
      after: clock.after.bind(clock),
      soon: (run: () => void): void => {
        soonCount++;
        clock.soon(run);
      },
    };
    const ports = { clock: { now: () => now, wallNow: () => 0 }, timers };
    const { queue } = new QueueStage<number>({ ports });
    for (let n = 0; n < 1_000; n++) queue.tryPut(n);
    queue.close();

    for await (const _ of queue) now += 1;

    expect(soonCount).toBeGreaterThan(50);
    expect(soonCount).toBeLessThan(110);
  });

  it("puts its item back when it is left while the loop of the runtime has its turn", async () => {
    const stage = new QueueStage<string>();
    await stage.advance(20);
    stage.queue.tryPut("a");
    const loop = stage.queue[Symbol.asyncIterator]();
    const next = watch(loop.next());

    await loop.return?.();
    await stage.rest();

    expect(next.value).toEqual({ done: true, value: undefined });
    expect(stage.queue.snapshot()).toMatchObject({ size: 1, consumers: 0, takers: 0, holders: [] });
  });

  it("is an open wait with a name while nothing comes, and no longer", async () => {
    const stage = new QueueStage<string>();
    const anonymous = stage.queue[Symbol.asyncIterator]();
    const named = stage.queue.items({ name: "mailer", waitMs: 60_000 });
    const next = watch(anonymous.next());
    await stage.advance(20_000);
    const timed = watch(named.next());
    await stage.advance(10_000);

    const waits = [
      { who: "loop-1", what: 'an item of queue "q"', sinceMs: 30_000, leftMs: null },
      { who: "mailer", what: 'an item of queue "q"', sinceMs: 10_000, leftMs: 50_000 },
    ];
    expect(stage.queue.waits()).toMatchObject(waits);
    expect(stage.queue.snapshot()).toMatchObject({ waits, takers: 2, consumers: 2 });
    for (const { site } of stage.queue.waits()) expect(site).toMatch(/^iteration\.test\.ts:\d+/);
    stage.queue.tryPut("a");
    stage.queue.tryPut("b");
    await stage.rest();

    expect([next.value, timed.value]).toEqual([
      { done: false, value: "a" },
      { done: false, value: "b" },
    ]);
    expect(stage.queue.waits()).toEqual([]);
    await anonymous.return?.();
    await named.return?.();
  });

  it("over items({ waitMs }) ends with an error when its next item does not come in time", async () => {
    const stage = new QueueStage<string>();
    const seen: string[] = [];
    const loop = async (): Promise<void> => {
      for await (const value of stage.queue.items({ waitMs: 1_000 })) seen.push(value);
    };
    stage.queue.tryPut("a");
    const looped = watch(loop());
    await stage.advance(999);
    stage.queue.tryPut("b");
    await stage.advance(999);
    expect([seen, looped.isPending]).toEqual([["a", "b"], true]);
    await stage.advance(1);

    expect(looped.reason).toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      details: { what: 'loop "loop-1" from queue "q"', waitedMs: 1_000, state: "empty" },
    });
    expect(stage.queue.snapshot()).toMatchObject({ unfinished: 0, consumers: 0, takers: 0 });
  });

  it("over items({ signal }) ends with its reason, whether it waits or works", async () => {
    for (const works of [false, true]) {
      const stage = new QueueStage<string>();
      const stop = new AbortController();
      const loop = async (): Promise<void> => {
        for await (const _ of stage.queue.items({ signal: stop.signal })) {
          if (works) stop.abort("enough");
        }
      };
      const looped = watch(loop());
      await stage.rest();
      if (!works) stop.abort("enough");
      stage.queue.tryPut("a");
      stage.queue.tryPut("b");
      await stage.rest();

      expect(looped.reason).toBe("enough");
      expect(stage.queue.snapshot()).toMatchObject({ takers: 0, consumers: 0 });
      expect(stage.drain()).toEqual(works ? ["b"] : ["a", "b"]);
    }
  });

  it("over items() refuses options that make no sense, and begins nothing", () => {
    const { queue } = new QueueStage<string>();

    expect(() => queue.items({ waitMs: -1 })).toThrow(
      expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
    );
    expect(queue.consumers).toBe(0);
  });

  it("that was begun and forgotten is no consumer any more", async () => {
    const stage = new QueueStage<string>();
    const begin = (): void => void stage.queue[Symbol.asyncIterator]();
    begin();

    await collectUntil(() => stage.queue.consumers === 0, "the loop is no consumer any more");

    expect(stage.queue.consumers).toBe(0);
  });

  it("that is forgotten with an item fails it, and says so", async () => {
    const stage = new QueueStage<string>();
    stage.queue.tryPut("a");
    const begin = async (): Promise<void> => void (await stage.queue.items().next());
    await begin();

    await collectUntil(() => stage.queue.unfinished === 0, "the item is settled");

    const { failed, errors } = await stage.queue.join();
    expect([failed, stage.queue.consumers]).toEqual([1, 0]);
    expect(String(errors[0]?.error)).toMatch(
      /the loop was garbage-collected before it asked for the next item; it was taken at .*iteration\.test\.ts/,
    );
  });
});
