import { describe, expect, it } from "vitest";
import { task } from "../../src/index.ts";
import { HeldTask } from "./held-task.ts";
import { outcomeOf } from "./outcome.ts";
import { EVERYWHERE, ON_THREADS, Stage } from "./stage.ts";

/** An app whose queue is full: a job runs, and another takes the only place. */
async function full(stage: Stage, { waitersMax = 100, tasks = [] as object[] } = {}) {
  const held = new HeldTask();
  const app = await stage.app({
    tasks: [held.task, ...tasks],
    work: { loop: 1 },
    queues: { default: { capacity: 1, waitersMax } },
  });
  const running = await app.enqueue(held.task, "running");
  const body = await held.next();
  const waiting = await app.enqueue(held.task, "waiting");
  return { app, held, body, running, waiting };
}

describe.each(EVERYWHERE)("a full queue on $store, $runtime", (mode) => {
  it("lets an enqueue wait until a worker takes a job", async () => {
    await using stage = await Stage.open(mode);
    const { app, held, body } = await full(stage);
    const late = app.enqueue(held.task, "late");

    body.end();

    await expect(late).resolves.toMatchObject({ id: expect.any(String) as string });
  });

  it("refuses an enqueue at the end of its waitMs, with how long it waited", async () => {
    await using stage = await Stage.open(mode);
    const { app, held } = await full(stage);

    const refused = app.enqueue(held.task, "late", { waitMs: 30 });

    await expect(refused).rejects.toMatchObject({
      code: "UNJAM_QUEUE_FULL",
      httpStatus: 503,
      details: { queue: "default", capacity: 1 },
    });
    const { details } = (await refused.catch((error: unknown) => error)) as {
      details: { waitedMs: number };
    };
    expect(details.waitedMs).toBeGreaterThanOrEqual(30);
    expect(await app.jobs()).toHaveLength(2);
  });

  it.each([{ whenFull: "reject" } as const, { waitMs: 0 }])(
    "refuses an enqueue at once with %j",
    async (options) => {
      await using stage = await Stage.open(mode);
      const { app, held } = await full(stage);

      const refused = app.enqueue(held.task, "late", options);

      await expect(refused).rejects.toMatchObject({ code: "UNJAM_QUEUE_FULL" });
    },
  );

  it("is tried again by its backoff with whenFull retry", async () => {
    await using stage = await Stage.open(mode);
    const { app, held, body } = await full(stage);
    const late = app.enqueue(held.task, "late", { whenFull: { retry: { firstMs: 5, factor: 1 } } });
    await expect.poll(async () => (await app.waits()).length).toBe(1);

    body.end();

    await expect(late).resolves.toMatchObject({ id: expect.any(String) as string });
  });

  it("bounds the number of those who wait", async () => {
    await using stage = await Stage.open(mode);
    const { app, held, body } = await full(stage, { waitersMax: 2 });

    const callers = Array.from({ length: 5 }, (_, index) =>
      outcomeOf(app.enqueue(held.task, index).then(() => "in")),
    );
    await expect
      .poll(async () => (await app.waits()).reduce((sum, { count }) => sum + count, 0))
      .toBe(2);
    body.end();
    (await held.next()).end();
    (await held.next()).end();
    (await held.next()).end();

    const outcomes = await Promise.all(callers);
    expect(outcomes.filter((outcome) => outcome === "in")).toHaveLength(2);
    expect(outcomes.filter((outcome) => outcome === "UNJAM_TOO_MANY_WAITERS")).toHaveLength(3);
  });

  it("lets in who waits in the order in which they came", async () => {
    await using stage = await Stage.open(mode);
    const { app, held, body } = await full(stage);
    const callers: Promise<unknown>[] = [];
    for (let index = 0; index < 5; index++) callers.push(app.enqueue(held.task, index));

    body.end();
    for (let index = 0; index < 6; index++) (await held.next()).end();
    await Promise.all(callers);

    expect(held.bodies.slice(2).map(({ input }) => input)).toEqual([0, 1, 2, 3, 4]);
  });

  it("lets retries and cancelled places through: only new jobs need room", async () => {
    await using stage = await Stage.open(mode);
    const flaky = task("flaky", { backoff: { firstMs: 1 } }, async (_, { attempt }) => {
      if (attempt === 1) throw new Error("once more");
      return attempt;
    });
    const app = await stage.app({
      tasks: [flaky],
      queues: { default: { capacity: 1, waitersMax: 1 } },
    });
    const first = await app.enqueue(flaky, {});
    await expect.poll(async () => (await first.status()).attempt).toBeGreaterThan(0);

    expect(await first.result()).toBe(2);
  });

  it("counts delayed jobs, and none that runs", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({
      tasks: [held.task],
      queues: { default: { capacity: 2 } },
    });
    await app.enqueue(held.task, "runs");
    await held.next();
    await app.enqueue(held.task, 1, { delayMs: 3_600_000 });
    await app.enqueue(held.task, 2, { delayMs: 3_600_000 });

    const refused = app.enqueue(held.task, 3, { whenFull: "reject" });

    await expect(refused).rejects.toMatchObject({ code: "UNJAM_QUEUE_FULL" });
  });

  it("is an event and no line in the log while a caller waits", async () => {
    await using stage = await Stage.open(mode);
    const { app, held, body } = await full(stage);
    const events: object[] = [];
    app.on("full", (event) => events.push(event));

    const waiting = app.enqueue(held.task, "late");
    await expect.poll(() => events.length).toBe(1);
    body.end();
    await waiting;

    expect(stage.logged).toEqual([]);
  });

  it("is an event and a line in the log, at most one a second, with a count", async () => {
    await using stage = await Stage.open(mode);
    const { app, held } = await full(stage);
    const events: { queue: string; capacity: number; count: number }[] = [];
    app.on("full", (event) => events.push(event));

    const refusals = Array.from({ length: 20 }, () =>
      app.enqueue(held.task, 0, { whenFull: "reject" }).catch(() => undefined),
    );
    await Promise.all(refusals);
    await expect.poll(() => events.length).toBe(1);

    expect(events[0]).toMatchObject({ queue: "default", capacity: 1 });
    await expect.poll(() => stage.logged.map(({ level }) => level)).toEqual(["warn"]);
  });
});

describe.each(EVERYWHERE)("a full queue without a consumer on $store, $runtime", (mode) => {
  it("refuses at once, and says that there never was one", async () => {
    await using stage = await Stage.open(mode);
    const hello = task("hello", {});
    const app = await stage.app({ work: false, queues: { default: { capacity: 1 } } });
    await app.enqueue(hello, {});

    const refused = app.enqueue(hello, {}, { waitMs: 3_600_000 });

    await expect(refused).rejects.toMatchObject({
      code: "UNJAM_NO_CONSUMER",
      httpStatus: 503,
      details: { queue: "default", capacity: 1, lastConsumer: null },
    });
  });

  it.each(["drop-newest", "drop-oldest"] as const)(
    "refuses at once with %s too, and drops nothing",
    async (whenFull) => {
      await using stage = await Stage.open(mode);
      const hello = task("hello", {});
      const app = await stage.app({ work: false, queues: { default: { capacity: 1 } } });
      const first = await app.enqueue(hello, 1);

      const refused = app.enqueue(hello, 2, { whenFull });

      await expect(refused).rejects.toMatchObject({ code: "UNJAM_NO_CONSUMER" });
      expect(await app.jobs()).toMatchObject([{ id: first.id, state: "ready" }]);
    },
  );

  it("takes jobs as long as it has room", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ work: false });

    const job = await app.enqueue(task("hello", {}), {});

    expect((await job.status()).state).toBe("ready");
  });
});

describe.each(ON_THREADS.filter(({ store }) => store === "sqlite"))(
  "a full queue whose last consumer has gone, on $store",
  (mode) => {
    const queues = { default: { capacity: 1, waitersMax: 10 } };

    it("refuses at once and names who it was, since when and why", async () => {
      await using stage = await Stage.open(mode);
      const hello = task("hello", {}, async () => "hi");
      const worker = await stage.app({ tasks: [hello], queues });
      await worker.close();
      const producer = await stage.app({ work: false, queues });
      await producer.enqueue(task("hello", {}), 1);

      const refused = producer.enqueue(task("hello", {}), 2, { waitMs: 3_600_000 });

      await expect(refused).rejects.toMatchObject({
        code: "UNJAM_NO_CONSUMER",
        details: { lastConsumer: { worker: `pid ${process.pid}`, reason: "it was closed" } },
      });
    });

    it("refuses those who wait already", async () => {
      await using stage = await Stage.open(mode);
      const held = new HeldTask();
      const worker = await stage.app({ tasks: [held.task], work: { loop: 1 }, queues });
      const producer = await stage.app({ work: false, queues });
      await producer.enqueue(task("held", {}), 1);
      await held.next();
      await producer.enqueue(task("held", {}), 2);
      const waiting = outcomeOf(producer.enqueue(task("held", {}), 3, { waitMs: 3_600_000 }));

      await worker.close({ graceMs: 100 });

      expect(await waiting).toBe("UNJAM_NO_CONSUMER");
    });
  },
);

describe.each(EVERYWHERE)("enqueueMany on $store, $runtime", (mode) => {
  const later = { delayMs: 3_600_000 };
  const count = task("count", {}, async (n: number) => n);

  it("stores 10,000 jobs in one call, in order", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [count] });
    const inputs = Array.from({ length: 10_000 }, (_, n) => n);

    const jobs = await app.enqueueMany(count, inputs, later);

    expect(jobs).toHaveLength(10_000);
    expect(await app.queues()).toMatchObject([{ counts: { scheduled: 10_000 } }]);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(10_000);
  });

  it("refuses one more than that, before anything is stored", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [count] });

    const refused = app.enqueueMany(count, Array<number>(10_001).fill(0));

    await expect(refused).rejects.toMatchObject({ code: "UNJAM_BATCH_TOO_LARGE" });
    expect(await app.jobs()).toEqual([]);
  });

  it("stores all or nothing when one job more than fits is among 10,000", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({
      tasks: [count],
      queues: { default: { capacity: 10_000, waitersMax: 10 } },
    });
    const one = await app.enqueue(count, 0, later);

    const refused = app.enqueueMany(count, Array<number>(10_000).fill(1), { ...later, waitMs: 0 });
    await expect(refused).rejects.toMatchObject({ code: "UNJAM_QUEUE_FULL" });
    const countAfterRefusal = (await app.jobs()).length;
    await one.cancel();
    const jobs = await app.enqueueMany(count, Array<number>(10_000).fill(2), later);

    expect(countAfterRefusal).toBe(1);
    expect(jobs).toHaveLength(10_000);
  });

  it("refuses more jobs than the queue has places at once, however long it might wait", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [count], queues: { default: { capacity: 3 } } });

    const refused = app.enqueueMany(count, [1, 2, 3, 4], { waitMs: 3_600_000 });

    await expect(refused).rejects.toMatchObject({ code: "UNJAM_QUEUE_FULL" });
    expect(await app.jobs()).toEqual([]);
  });

  it("waits as one until all of it fits", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({
      tasks: [count],
      queues: { default: { capacity: 4, waitersMax: 10 } },
    });
    const first = await app.enqueueMany(count, [1, 2, 3], later);
    const second = app.enqueueMany(count, [4, 5, 6], later);
    await expect.poll(async () => (await app.waits()).length).toBe(1);

    await first[0]?.cancel();
    const scheduledBetween = (await app.jobs({ state: "scheduled" })).length;
    await first[1]?.cancel();

    expect(await second).toHaveLength(3);
    expect(scheduledBetween).toBe(2);
  });

  it("of nothing is nothing", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [count] });

    expect(await app.enqueueMany(count, [])).toEqual([]);
  });

  it("stores nothing when one input of many is refused", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks: [count] });

    const refused = app.enqueueMany("count", [1, 2, 3n]);

    await expect(refused).rejects.toMatchObject({ code: "UNJAM_PAYLOAD_NOT_SERIALIZABLE" });
    expect(await app.jobs()).toEqual([]);
  });
});
