import { describe, expect, it } from "vitest";
import { Gate, QueueStage, watch } from "../../test/sync/queue-stage.ts";
import { Mutex } from "./mutex.ts";

describe("waits()", () => {
  it("names who waits for room, for an item, for an answer and for the end, longest first", async () => {
    const { queue, clock } = new QueueStage<string>({ capacity: 1, waitersMax: 9 });
    queue.tryPut("a");
    const put = queue.put("b", { waitMs: 5_000 });
    await clock.advance(1_000);
    const others = [watch(queue.ask("c", { waitMs: Infinity })), watch(queue.join())];
    await clock.advance(1_000);

    expect(queue.waits()).toMatchObject([
      { who: "a call", what: 'room in queue "q"', sinceMs: 2_000, leftMs: 3_000 },
      { who: "a call", what: 'an answer of queue "q"', sinceMs: 1_000, leftMs: null },
      { who: "a call", what: 'the end of queue "q"', sinceMs: 1_000, leftMs: 29_000 },
    ]);
    for (const { site } of queue.waits()) expect(site).toMatch(/^waits\.test\.ts:\d+/);
    queue.tryGet()?.done();
    await put;
    queue.close({ drop: true });
    await clock.rest();

    expect(others.map(({ isPending }) => isPending)).toEqual([false, false]);
    expect(queue.waits()).toEqual([]);
  });

  it("names a handler that waits by its consumer", async () => {
    const { queue, clock } = new QueueStage<string>();
    const other = new QueueStage<string>({ diagnostics: "off" });
    queue.consume(() => other.queue.get(), { name: "reader" });
    queue.tryPut("a");
    await clock.rest();

    expect(other.queue.waits()).toMatchObject([{ who: "reader", site: null, siteKind: "off" }]);
    other.queue.close();
    await clock.rest();
  });

  it("does not name who has let go of the lock by which he was known", async () => {
    const { queue, clock } = new QueueStage<string>();
    const mutex = new Mutex({ diagnostics: "full" });
    let got: Promise<unknown> = Promise.resolve();
    const holds = async (): Promise<void> => {
      const guard = await mutex.lock();
      got = queue.get();
      expect(queue.waits()).toMatchObject([{ who: expect.stringContaining("holds") as string }]);
      guard.release();
    };
    await holds();

    expect(queue.waits()).toMatchObject([{ who: "a call" }]);
    queue.tryPut("a");
    await got;
    await clock.rest();
  });

  it("names an onError that has not ended, also of a consumer that was stopped", async () => {
    const stage = new QueueStage<string>();
    const { queue } = stage;
    const gate = new Gate();
    const fail = (): never => {
      throw new Error("no");
    };
    const options = { name: "mailer", concurrency: 2, onError: () => gate.opened };
    const consumer = queue.consume(fail, options);
    queue.tryPut("a");
    await stage.advance(60_000);

    const what = 'the end of its onError, for an item of queue "q"';
    const wait = { who: "mailer#1", what, sinceMs: 60_000, leftMs: null, siteKind: "per loop" };
    expect(queue.waits()).toEqual([
      { ...wait, site: expect.stringMatching(/^waits\.test\.ts:\d+/) as string },
    ]);
    consumer.stop({ graceMs: 0 });
    await stage.advance(10_000);
    expect(queue.waits()).toMatchObject([{ ...wait, sinceMs: 70_000 }]);
    gate.open();
    await stage.rest();
    expect(queue.waits()).toEqual([]);
  });
});
