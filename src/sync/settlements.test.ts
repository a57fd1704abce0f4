import { describe, expect, it } from "vitest";
import { Gate, QueueStage, watch } from "../../test/sync/queue-stage.ts";
import { DEADLOCK_STANDS_MS } from "../core/limits.ts";
import { Mutex } from "./mutex.ts";

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
        ...{ sinceMs: 150, siteKind: "exact", waitsFor: null },
        site: expect.stringMatching(/^settlements\.test\.ts:\d+/) as string,
      },
      {
        ...{ id: "2", task: '"mid"', queue: "q", state: "held", holder: "worker" },
        ...{ sinceMs: 50, siteKind: "per loop", waitsFor: 'room in queue "other"' },
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

describe("join, for who holds a lease himself,", () => {
  it("ends at its deadline: he may have handed the lease on", async () => {
    const stage = new QueueStage<string>();
    const m = new Mutex({}, { ...portsOf(stage), random: () => 0.5 });
    stage.queue.tryPut("a");

    const joined = watch(
      m.run(async () => {
        using _ = stage.queue.tryGet();
        return await stage.queue.join();
      }),
    );
    await stage.advance(29_999);
    const wasPending = joined.isPending;
    await stage.advance(1);

    expect([wasPending, joined.code]).toEqual([true, "UNJAM_JOIN_TIMEOUT"]);
  });

  it.each(["get", "for await"])(
    "is none for a handler whose own workers by %s work on what it joins",
    async (way) => {
      const stage = new QueueStage<number>();
      const outer = new QueueStage<number>({ ports: portsOf(stage) });
      const gate = new Gate();
      const byGet = async (): Promise<void> => {
        for (;;) {
          const lease = await stage.queue.get();
          void gate.opened.then(() => lease.done());
        }
      };
      const byLoop = async (): Promise<void> => {
        for await (const _ of stage.queue) await gate.opened;
      };
      outer.queue.consume(async () => {
        void (way === "get" ? byGet() : byLoop()).catch(() => undefined);
        for (let n = 0; n < 4; n++) await stage.queue.put(n);
        return await stage.queue.join();
      });

      const asked = watch(outer.queue.ask(4));
      await stage.advance(1_000);
      const wasPending = asked.isPending;
      gate.open();
      await stage.advance(1_000);

      expect(wasPending).toBe(true);
      expect(asked.value).toMatchObject({ done: 4 });
    },
  );

  it("ends at its deadline where nobody knows who holds it", async () => {
    const stage = new QueueStage<string>();
    const m = new Mutex({}, { ...portsOf(stage), random: () => 0.5 });
    stage.queue.tryPut("a");
    const lease = stage.queue.tryGet();

    const joined = watch(m.run(() => stage.queue.join()));
    await stage.advance(29_999);
    const wasPending = joined.isPending;
    await stage.advance(1);

    expect([wasPending, joined.code]).toEqual([true, "UNJAM_JOIN_TIMEOUT"]);
    lease?.done();
  });

  it("is none when another who answers an ask of his holds a lease", async () => {
    const stage = new QueueStage<string>();
    const m = new Mutex({}, { ...portsOf(stage), random: () => 0.5 });
    const asked = watch(m.run(() => stage.queue.ask("a")));
    await stage.rest();
    stage.queue.tryPut("b");
    const leases = [stage.queue.tryGet(), stage.queue.tryGet()];

    await stage.advance(25_000);
    for (const lease of leases) lease?.done();
    await stage.rest();

    expect(asked.fate).toEqual({ value: undefined });
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

      await stage.advance(DEADLOCK_STANDS_MS);

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

function portsOf<T>({ clock }: QueueStage<T>): {
  readonly clock: QueueStage<T>["clock"];
  readonly timers: QueueStage<T>["clock"];
} {
  return { clock, timers: clock };
}
