/** Joins, leases, loops and the end of a queue. */
import { describe, expect, it, vi } from "vitest";
import { Gate, QueueStage, watch } from "../../test/sync/queue-stage.ts";

describe("join", () => {
  it("resolves at once when nothing is unfinished", async () => {
    expect(await new QueueStage().queue.join({ waitMs: 0 })).toEqual({
      ...{ done: 0, failed: 0, errors: [] },
    });
  });

  it("waits for all that was put, also what was put meanwhile, whoever holds it", async () => {
    const stage = new QueueStage<string>();
    stage.queue.tryPut("a");
    const joins = [watch(stage.queue.join()), watch(stage.queue.join())];
    const lease = stage.queue.tryGet();
    stage.queue.tryPut("b");
    lease?.done();
    await stage.rest();
    expect(joins.map(({ isPending }) => isPending)).toEqual([true, true]);

    stage.queue.tryGet()?.fail("bad");
    await stage.rest();

    const result = { done: 1, failed: 1, errors: [{ value: '"b"', error: "bad" }] };
    expect(joins.map(({ value }) => value)).toEqual([result, result]);
  });

  it("counts from the last join that resolved", async () => {
    const stage = new QueueStage<string>();
    stage.queue.tryPut("a");
    stage.queue.tryGet()?.fail("bad");
    stage.queue.tryPut("b");
    const late = watch(stage.queue.join({ waitMs: 1 }));
    await stage.advance(1);
    expect(late.code).toBe("UNJAM_JOIN_TIMEOUT");
    stage.drain();

    expect(await stage.queue.join()).toMatchObject({ done: 1, failed: 1 });
    expect(await stage.queue.join()).toEqual({ done: 0, failed: 0, errors: [] });
  });

  it("tells the first ten errors, and how many failed", async () => {
    const stage = new QueueStage<number>();
    for (let n = 0; n < 12; n++) {
      stage.queue.tryPut(n);
      stage.queue.tryGet()?.fail(n);
    }

    const { failed, errors } = await stage.queue.join();

    expect(failed).toBe(12);
    expect(errors.map(({ error }) => error)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("names at its deadline who holds what, where, since when and what he waits for, and what waits", async () => {
    const stage = new QueueStage<string>({ diagnostics: "full", capacity: 200 });
    const other = new QueueStage<string>({ name: "other", capacity: 1, ports: portsOf(stage) });
    other.queue.tryPut("x");
    for (const value of ["old", "mid"]) stage.queue.tryPut(value);
    stage.queue.tryGet();
    await stage.advance(100);
    stage.queue.consume(
      async () => {
        await other.queue.put("y", { waitMs: 1_000 });
      },
      { name: "worker" },
    );
    await stage.rest();
    for (let n = 0; n < 150; n++) stage.queue.tryPut(`${n}`);
    const join = watch(stage.queue.join({ waitMs: 50 }));
    await stage.advance(50);

    const details = Reflect.get(Object(join.reason), "details") as {
      unfinished: readonly object[];
    };
    expect(details).toMatchObject({ waitedMs: 50, unfinishedCount: 152 });
    expect(details.unfinished).toHaveLength(100);
    expect(details.unfinished.slice(0, 3)).toEqual([
      {
        ...{ id: "1", task: '"old"', queue: "q", state: "held", holder: "a lease" },
        ...{ sinceMs: 150, waitsFor: null },
        site: expect.stringMatching(/^settlements\.test\.ts:\d+/) as string,
      },
      {
        ...{ id: "2", task: '"mid"', queue: "q", state: "held", holder: "worker" },
        ...{ sinceMs: 50, waitsFor: 'room in queue "other"' },
        site: expect.stringMatching(/^settlements\.test\.ts:\d+/) as string,
      },
      {
        ...{ id: "3", task: '"0"', queue: "q", state: "queued" },
        ...{ holder: null, sinceMs: null },
      },
    ]);
  });

  it("inside a consumer that holds an item is a deadlock", async () => {
    const stage = new QueueStage<string>();
    const asked = watch(stage.queue.ask("a"));
    stage.queue.consume(async () => {
      await stage.queue.join();
    });

    await stage.advance(1_000);

    expect(asked.code).toBe("UNJAM_DEADLOCK");
    expect(await stage.queue.join()).toMatchObject({ failed: 1 });
  });
});

describe("waiting inside a consumer for what only it can do", () => {
  it("is a deadlock: a put into its own full queue, and an ask that it would have to answer", async () => {
    for (const call of ["put", "ask"] as const) {
      const stage = new QueueStage<string>({ capacity: 1 });
      const asked = watch(stage.queue.ask("a"));
      stage.queue.consume(async (value) => {
        if (value === "a") {
          if (call === "put") stage.queue.tryPut("filler");
          await stage.queue[call]("b");
        }
      });

      await stage.advance(1_000);

      expect(asked.code).toBe("UNJAM_DEADLOCK");
      expect(stage.queue.unfinished).toBe(0);
    }
  });

  it("is none when somebody else may take: a second consumer, or one who takes leases", async () => {
    for (const helper of ["consumer", "lease"] as const) {
      const stage = new QueueStage<string>({ capacity: 1 });
      if (helper === "lease") {
        stage.queue.tryPut("first");
        stage.queue.tryGet()?.done();
      }
      const work = async (value: string): Promise<void> => {
        if (value === "a") await stage.queue.ask("b");
      };
      const asked = watch(stage.queue.ask("a"));
      stage.queue.consume(work);
      if (helper === "consumer") stage.queue.consume(work);
      await stage.advance(1_000);
      stage.queue.tryGet()?.done();
      await stage.rest();

      expect(asked.fate).toEqual({ value: undefined });
    }
  });

  it("ends at its deadline when a lease answers it, whose holder nobody knows", async () => {
    const stage = new QueueStage<string>();
    const inner = new Gate<unknown>();
    stage.queue.consume(async (value) => {
      if (value === "a") await stage.queue.ask("b", { waitMs: 5_000 }).catch(inner.open);
    });
    stage.queue.tryPut("a");
    await stage.rest();
    const lease = stage.queue.tryGet();
    await stage.advance(5_000);

    expect(await inner.opened).toMatchObject({ code: "UNJAM_WAIT_TIMEOUT" });
    lease?.done();
  });
});

describe("a lease", () => {
  it("is settled once: done, failed or put back", () => {
    const stage = new QueueStage<string>();
    for (const settle of ["done", "fail", "putBack"] as const) {
      stage.queue.tryPut("a");
      const lease = stage.queue.tryGet();
      lease?.[settle]("x");
      for (const again of ["done", "fail", "putBack"] as const) {
        expect(() => lease?.[again]("x")).toThrow(
          expect.objectContaining({ code: "UNJAM_LEASE_SETTLED" }),
        );
      }
      expect(lease?.value).toBe("a");
      stage.drain();
    }
    expect(stage.queue.unfinished).toBe(0);
  });

  it("is done when its using block is left, also by a throw, unless it was settled before", async () => {
    const stage = new QueueStage<string>();
    for (const value of ["done", "failed", "thrown"]) stage.queue.tryPut(value);
    {
      using _ = await stage.queue.get();
    }
    {
      using lease = await stage.queue.get();
      lease.fail("bad");
    }
    const leave = async (): Promise<void> => {
      using lease = await stage.queue.get();
      throw new Error(lease.value);
    };
    await expect(leave()).rejects.toThrow("thrown");

    expect(await stage.queue.join()).toMatchObject({ done: 2, failed: 1 });
  });

  it("that was put back goes to who waits, also beyond the capacity", async () => {
    const stage = new QueueStage<string>({ capacity: 1 });
    stage.queue.tryPut("a");
    const lease = stage.queue.tryGet();
    stage.queue.tryPut("b");

    lease?.putBack();

    expect(stage.queue.size).toBe(2);
    expect(stage.queue.tryPut("c")).toBe(false);
    expect(stage.drain()).toEqual(["a", "b"]);
  });

  it("that is garbage-collected counts as failed, and is reported with the place where it was taken", async () => {
    const stage = new QueueStage<string>({ diagnostics: "full" });
    const told: { value: string; error: unknown }[] = [];
    stage.queue.on("forgotten", (data) => told.push(data));
    const asked = watch(stage.queue.ask("a"));
    const forget = (): void => void stage.queue.tryGet();
    forget();
    const joined = watch(stage.queue.join());

    await vi.waitUntil(() => {
      Array.from({ length: 200 }, () => new Float64Array(10_000));
      return told.length > 0;
    });
    await stage.rest();

    expect(told[0]).toMatchObject({ queue: "q", value: '"a"' });
    expect(String(told[0]?.error)).toMatch(
      /^Error: the lease was garbage-collected before it was settled; it was taken at settlements\.test\.ts:\d+ in forget$/,
    );
    expect(joined.value).toMatchObject({ failed: 1 });
    expect(asked.reason).toBe(told[0]?.error);
    expect(stage.queue.holders()).toEqual([]);
  });
});

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

  it("that was begun and forgotten is no consumer any more", async () => {
    const stage = new QueueStage<string>();
    const begin = (): void => void stage.queue[Symbol.asyncIterator]();
    begin();

    await vi.waitUntil(() => {
      Array.from({ length: 200 }, () => new Float64Array(10_000));
      return stage.queue.consumers === 0;
    });

    expect(stage.queue.consumers).toBe(0);
  });
});

describe("close", () => {
  it("refuses producers, also those who wait, while consumers finish what is there", async () => {
    const stage = new QueueStage<string>({ capacity: 1 });
    const seen: string[] = [];
    stage.queue.tryPut("a");
    const waiting = watch(stage.queue.put("b"));

    stage.queue.close();
    stage.queue.close();
    expect(stage.queue.tryPut("c")).toBe(false);
    await stage.rest();
    expect(waiting.code).toBe("UNJAM_QUEUE_CLOSED");
    for await (const value of stage.queue) seen.push(value);

    expect(seen).toEqual(["a"]);
    expect(() => stage.queue.consume(() => undefined)).toThrow(
      expect.objectContaining({ code: "UNJAM_QUEUE_CLOSED" }),
    );
  });

  it("ends consumers when all is settled, and not while somebody may put an item back", async () => {
    const stage = new QueueStage<string>();
    const seen: string[] = [];
    const consumer = stage.queue.consume((value) => void seen.push(value));
    stage.queue.pause();
    stage.queue.tryPut("a");
    stage.queue.resume();
    stage.queue.pause();
    const finished = watch(consumer.finished);
    await stage.rest();
    stage.queue.tryPut("b");
    stage.queue.resume();
    stage.queue.close();
    await stage.rest();

    expect(seen).toEqual(["a", "b"]);
    expect(finished.isPending).toBe(false);
    expect(await stage.queue.join()).toMatchObject({ done: 2 });
  });

  it("with drop takes out what waits: asks are rejected, and join comes to its end", async () => {
    const stage = new QueueStage<string>();
    const asks = [watch(stage.queue.ask("a")), watch(stage.queue.ask("b", {}))];
    stage.queue.tryPut("c");
    const lease = stage.queue.tryGet();
    const joined = watch(stage.queue.join());

    stage.queue.close({ drop: true });
    stage.queue.close({ drop: true });
    await stage.rest();
    expect([stage.queue.size, stage.queue.unfinished, joined.isPending]).toEqual([0, 1, true]);
    lease?.done();
    await stage.rest();

    expect(asks[0]?.fate).toEqual({ value: undefined });
    expect(asks[1]?.reason).toMatchObject({
      code: "UNJAM_ITEM_DROPPED",
      details: { reason: "the queue was closed" },
    });
    expect(joined.value).toEqual({ done: 1, failed: 0, errors: [] });
  });
});

describe("await using", () => {
  it("closes, lets consumers and loops finish, and drops nothing that they can take", async () => {
    const stage = new QueueStage<string>();
    const seen: string[] = [];
    stage.queue.consume(async (value) => {
      await stage.rest();
      seen.push(value);
    });
    const loop = (async () => {
      for await (const value of stage.queue) {
        await stage.rest();
        seen.push(value);
      }
    })();
    for (const value of ["a", "b", "c", "d", "e"]) stage.queue.tryPut(value);

    await stage.queue[Symbol.asyncDispose]();
    await loop;

    expect(seen.toSorted()).toEqual(["a", "b", "c", "d", "e"]);
    expect(stage.queue.unfinished).toBe(0);
  });

  it("lets a loop finish that is all that consumes", async () => {
    const stage = new QueueStage<string>();
    const seen: string[] = [];
    const loop = (async () => {
      for await (const value of stage.queue) {
        await stage.rest();
        seen.push(value);
      }
    })();
    for (const value of ["a", "b", "c"]) stage.queue.tryPut(value);

    await stage.queue[Symbol.asyncDispose]();
    await loop;

    expect(seen).toEqual(["a", "b", "c"]);
  });

  it("gives up after 25 s: what waits is dropped, and what is held has failed", async () => {
    const stage = new QueueStage<string>();
    stage.queue.consume(() => new Promise(() => undefined));
    const loop = stage.queue[Symbol.asyncIterator]();
    stage.queue.tryPut("a");
    stage.queue.tryPut("b");
    await stage.rest();
    await loop.next();
    const asked = watch(stage.queue.ask("c", { waitMs: 60_000 }));
    const disposed = watch(stage.queue[Symbol.asyncDispose]());

    await stage.advance(24_999);
    expect([disposed.isPending, asked.isPending]).toEqual([true, true]);
    await stage.advance(1);
    await stage.advance(2_000);

    expect([disposed.isPending, asked.code]).toEqual([false, "UNJAM_ITEM_DROPPED"]);
    expect(stage.queue.snapshot()).toMatchObject({ phase: "closed", size: 0, unfinished: 1 });
    await loop.return?.();
    expect(await stage.queue.join()).toMatchObject({ done: 1, failed: 1 });
  });

  it("drops at once what nobody consumes", async () => {
    const stage = new QueueStage<string>();
    stage.queue.tryPut("a");

    await stage.queue[Symbol.asyncDispose]();

    expect(stage.queue.snapshot()).toMatchObject({ phase: "closed", unfinished: 0 });
  });
});

function portsOf<T>({ clock }: QueueStage<T>): {
  readonly clock: QueueStage<T>["clock"];
  readonly timers: QueueStage<T>["clock"];
} {
  return { clock, timers: clock };
}
