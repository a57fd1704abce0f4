import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { PlayedEngine, someQueue, someRecord } from "../../test/client/played-engine.ts";
import { toErrorRecord } from "../core/error-record.ts";
import type { Owner, QueueRecord } from "../store/store.ts";
import { join, type Joining, joinBase } from "./join.ts";

const OWNER: Owner = {
  ...{ id: 5, label: "pid 42", queues: ["mail"], pid: 42, processStart: null, machine: "here" },
  ...{ joinedAt: 0, beatAt: 0, leftAt: null, reason: null },
};

/** An engine whose queues are like this from now on. */
function anEngine(...queues: readonly QueueRecord[]): PlayedEngine {
  const engine = new PlayedEngine();
  engine.answers("queues", () => queues);
  engine.answers("list", () => []);
  engine.answers("owners", () => [OWNER]);
  return engine;
}

function joining(engine: PlayedEngine, overrides: Partial<Joining> = {}): Joining {
  const { client, clock } = engine;
  return {
    ...{ engine: client, clock, timers: clock, base: new Map(), openedAt: 0 },
    ...{ queue: undefined, waitMs: 10_000, signal: undefined, runsOf: () => "thread" as const },
    ...overrides,
  };
}

/** What the promise ends with, once the clock has been moved that far. */
async function after(
  engine: PlayedEngine,
  ms: number,
  promise: Promise<unknown>,
): Promise<unknown> {
  const end = promise.catch((error: unknown) => error);
  await engine.clock.advance(ms);
  return end;
}

describe("a join", () => {
  it("is over at once when nothing that is due is unfinished", async () => {
    const engine = anEngine(someQueue({ doneTotal: 3 }));

    const result = await after(engine, 0, join(joining(engine)));

    expect(result).toEqual({ done: 3, failed: 0, errors: [], delayedCount: 0, pausedCount: 0 });
    expect(engine.clock.pendingCount).toBe(0);
  });

  it("waits for jobs that are ready, that run, and that wait for a retry", async () => {
    const engine = anEngine(someQueue({ counts: { ready: 1 } }));
    const result = after(engine, 0, join(joining(engine)));
    const busy = [
      someQueue({ counts: { leased: 1 } }),
      someQueue({ counts: { scheduled: 1 }, retryingCount: 1 }),
    ];

    for (const queue of busy) {
      engine.answers("queues", () => [queue]);
      await engine.clock.advance(1_000);
    }
    const looks = engine.calls("queues").length;
    engine.answers("queues", () => [someQueue({ doneTotal: 1 })]);
    await engine.clock.advance(50);

    expect(looks).toBeGreaterThan(2);
    expect(await result).toMatchObject({ done: 1 });
  });

  it("does not wait for delayed jobs and paused queues, and says how many there are", async () => {
    const engine = anEngine(
      someQueue({ counts: { scheduled: 4 } }),
      someQueue({
        name: "images",
        paused: true,
        counts: { ready: 2, scheduled: 1 },
        retryingCount: 1,
      }),
    );

    const result = await after(engine, 0, join(joining(engine)));

    expect(result).toMatchObject({ delayedCount: 4, pausedCount: 2 });
  });

  it("waits for what still runs in a paused queue", async () => {
    const engine = anEngine(someQueue({ paused: true, counts: { leased: 1 } }));
    const result = after(engine, 5_000, join(joining(engine)));

    engine.answers("queues", () => [someQueue({ paused: true })]);

    expect(await result).toMatchObject({ done: 0 });
  });

  it("looks at one queue only, when it is told which", async () => {
    const busy = someQueue({ name: "images", counts: { ready: 1 }, doneTotal: 9 });
    const engine = anEngine(busy, someQueue({ doneTotal: 1 }));

    const result = await after(engine, 0, join(joining(engine, { queue: "mail" })));

    expect(result).toMatchObject({ done: 1 });
  });

  it("counts from the opening of the app on", async () => {
    const base = joinBase([someQueue({ doneTotal: 100, failedTotal: 10 })]);
    const engine = anEngine(
      someQueue({ doneTotal: 103, failedTotal: 10 }),
      someQueue({ name: "new", doneTotal: 1 }),
    );

    const result = await after(engine, 0, join(joining(engine, { base })));

    expect(result).toMatchObject({ done: 4, failed: 0 });
  });

  it("names the first ten that failed since then, and no older ones", async () => {
    const engine = anEngine(someQueue({ failedTotal: 13 }));
    const error = JSON.stringify(toErrorRecord(new Error("no width")));
    engine.answers("list", () => [
      someRecord({ id: 1, state: "dead", settledAt: 999, error }),
      someRecord({ id: 2, state: "expired", settledAt: 1_000, error: null }),
      ...Array.from({ length: 11 }, (_, index) =>
        someRecord({ id: 36 + index, state: "dead", settledAt: 2_000, error }),
      ),
    ]);

    const result = await after(engine, 0, join(joining(engine, { openedAt: 1_000 })));

    expect(result).toMatchObject({ failed: 13, errors: { length: 10 } });
    expect(result).toHaveProperty("errors[0]", { id: "j_2", task: "send", error: "expired" });
    expect(result).toHaveProperty("errors[1]", { id: "j_10", task: "send", error: "no width" });
  });

  it("looks ever less often, but often enough", async () => {
    const engine = anEngine(someQueue({ counts: { ready: 1 } }));

    await after(engine, 10_000, join(joining(engine)));

    const looks = engine.calls("queues").length;
    expect(looks).toBeGreaterThan(190);
    expect(looks).toBeLessThan(230);
  });
});

describe("a join at its deadline", () => {
  it("names each job, who holds it and since when", async () => {
    const engine = anEngine(someQueue({ counts: { leased: 1, ready: 1 } }));
    const claimedAt = engine.clock.wallNow();
    engine.answers("list", () => [
      someRecord({ id: 1, state: "leased", owner: 5, claimedAt }),
      someRecord({ id: 2, state: "ready", claimedAt: null, callerId: "order-17" }),
    ]);

    const error = await after(engine, 3_000, join(joining(engine, { waitMs: 3_000 })));

    expect(error).toMatchObject({
      code: "UNJAM_JOIN_TIMEOUT",
      details: {
        ...{ waitedMs: 3_000, unfinishedCount: 2 },
        unfinished: [
          { id: "j_1", state: "leased", holder: "pid 42", sinceMs: 3_000 },
          { id: "order-17", state: "ready", holder: null, sinceMs: null },
        ],
      },
    });
  });

  it("comes at once when it may not wait", async () => {
    const engine = anEngine(someQueue({ counts: { ready: 1 } }));

    const error = await after(engine, 0, join(joining(engine, { waitMs: 0 })));

    expect(error).toMatchObject({ code: "UNJAM_JOIN_TIMEOUT", details: { waitedMs: 0 } });
  });

  it("takes the last look there, and not after", async () => {
    const engine = anEngine(someQueue({ counts: { ready: 1 } }));
    const end = after(engine, 1_000, join(joining(engine, { waitMs: 1_000 })));
    engine.clock.after(999, () => engine.answers("queues", () => [someQueue()]));

    expect(await end).toMatchObject({ done: 0 });
  });

  it("ends also when the engine answers nothing any more", async () => {
    const engine = new PlayedEngine();

    const error = await after(engine, 2_000, join(joining(engine, { waitMs: 1_000 })));

    expect(error).toMatchObject({ code: "UNJAM_JOIN_TIMEOUT", details: { unfinished: [] } });
    expect(engine.clock.pendingCount).toBe(0);
  });
});

describe("a join's signal", () => {
  it("ends it before it has asked, when it is aborted already", async () => {
    const engine = anEngine(someQueue());
    const signal = AbortSignal.abort("too late");

    expect(await after(engine, 0, join(joining(engine, { signal })))).toBe("too late");
    expect(engine.received).toEqual([]);
  });

  it("ends it between two looks, at once", async () => {
    const engine = anEngine(someQueue({ counts: { ready: 1 } }));
    const abort = new AbortController();
    const end = after(engine, 1_010, join(joining(engine, { signal: abort.signal })));
    engine.clock.after(1_005, () => abort.abort("enough"));

    expect(await end).toBe("enough");
  });

  it("gathers no listeners from look to look", async () => {
    const engine = anEngine(someQueue({ counts: { ready: 1 } }));
    const { signal } = new AbortController();
    const error = after(engine, 5_000, join(joining(engine, { signal, waitMs: 5_000 })));

    await engine.clock.settle();
    const during = getEventListeners(signal, "abort").length;
    await error;

    expect(during).toBeLessThanOrEqual(1);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});
