import { describe, expect, it } from "vitest";
import { type App, task } from "../../src/index.ts";
import { HeldTask } from "./held-task.ts";
import { outcomeOf } from "./outcome.ts";
import { EVERYWHERE, Stage } from "./stage.ts";

const NEWEST = { whenFull: "drop-newest" } as const;
const OLDEST = { whenFull: "drop-oldest" } as const;

/** An app whose queue has two places, both taken, while one job runs. */
async function full(stage: Stage) {
  const held = new HeldTask();
  const app: App = await stage.app({
    tasks: [held.task],
    work: { loop: 1 },
    queues: { default: { capacity: 2 } },
  });
  const running = await app.enqueue(held.task, "running");
  const body = await held.next();
  const first = await app.enqueue(held.task, "first");
  const second = await app.enqueue(held.task, "second");
  return { app, held, body, running, first, second };
}

describe.each(EVERYWHERE)("a full queue that drops on $store, $runtime", (mode) => {
  it("the newest: it is stored as dropped, and its result says so", async () => {
    await using stage = await Stage.open(mode);
    const { app, held, first, second } = await full(stage);

    const job = await app.enqueue(held.task, "newest", NEWEST);

    await expect(job.result()).rejects.toMatchObject({
      code: "UNJAM_JOB_DROPPED",
      httpStatus: 503,
      details: { id: job.id, task: "held" },
    });
    expect(await job.status()).toMatchObject({ state: "dropped", attempt: 0 });
    expect(await app.jobs({ state: "ready" })).toMatchObject([{ id: first.id }, { id: second.id }]);
  });

  it("the oldest: who waits for its result is told at once", async () => {
    await using stage = await Stage.open(mode);
    const { app, held, running, first, second } = await full(stage);
    const outcome = outcomeOf(first.result());

    const job = await app.enqueue(held.task, "newest", OLDEST);

    expect(await outcome).toBe("UNJAM_JOB_DROPPED");
    expect(await running.status()).toMatchObject({ state: "leased" });
    expect(await app.jobs({ state: "ready" })).toMatchObject([{ id: second.id }, { id: job.id }]);
  });

  it("runs what it kept, in order", async () => {
    await using stage = await Stage.open(mode);
    const { app, held, body } = await full(stage);
    await app.enqueue(held.task, "third", OLDEST);
    await app.enqueue(held.task, "fourth", NEWEST);

    body.end();
    (await held.next()).end();
    (await held.next()).end();

    expect(await app.join()).toMatchObject({ done: 3, failed: 2 });
    expect(held.bodies.map(({ input }) => input)).toEqual(["running", "second", "third"]);
  });

  it("many at once: all are dropped, or they displace as many as they are", async () => {
    await using stage = await Stage.open(mode);
    const { app, held } = await full(stage);

    const dropped = await app.enqueueMany(held.task, [1, 2], NEWEST);
    const kept = await app.enqueueMany(held.task, [3, 4], OLDEST);

    const states = await Promise.all([...dropped, ...kept].map((job) => job.status()));
    expect(states.map(({ state }) => state)).toEqual(["dropped", "dropped", "ready", "ready"]);
    expect(await app.queues()).toMatchObject([{ counts: { ready: 2, leased: 1, dropped: 4 } }]);
  });

  it("more than it has places for is refused", async () => {
    await using stage = await Stage.open(mode);
    const { app, held } = await full(stage);

    const refused = app.enqueueMany(held.task, [1, 2, 3], OLDEST);

    await expect(refused).rejects.toMatchObject({ code: "UNJAM_QUEUE_FULL" });
  });

  it("counts its drops in the event and in the log", async () => {
    await using stage = await Stage.open(mode);
    const { app, held } = await full(stage);
    const events: object[] = [];
    app.on("full", (event) => events.push(event));

    await app.enqueue(held.task, "newest", OLDEST);
    await expect.poll(() => events.length).toBe(1);

    const data = { queue: "default", capacity: 2, count: 1, droppedCount: 1 };
    expect(events).toEqual([data]);
    await expect
      .poll(() => stage.logged)
      .toEqual([
        {
          level: "warn",
          message: "a queue is full; callers are refused or jobs dropped",
          fields: data,
        },
      ]);
  });

  it("gives a dropped job another round when an operator asks for it", async () => {
    await using stage = await Stage.open(mode);
    const quick = task("quick", { queue: "quick" }, async (n: number) => n);
    const app = await stage.app({ tasks: [quick], queues: { quick: { capacity: 1 } } });
    await app.pause("quick");
    const oldest = await app.enqueue(quick, 1);
    await app.enqueue(quick, 2, OLDEST);

    const retried = await app.retry([oldest.id]);
    await app.resume("quick");

    expect(retried).toEqual([oldest.id]);
    expect(await oldest.result()).toBe(1);
  });
});
