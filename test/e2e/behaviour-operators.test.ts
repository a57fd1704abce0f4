import { describe, expect, it } from "vitest";
import { task } from "../../src/index.ts";
import { HeldTask } from "./held-task.ts";
import { EVERYWHERE, Stage } from "./stage.ts";

describe.each(EVERYWHERE)("pausing on $store, $runtime", (mode) => {
  it("keeps jobs from starting until the queue is resumed; running ones go on", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const running = await app.enqueue(held.task, 1);
    const body = await held.next();

    await app.pause("default");
    const waiting = await app.enqueue(held.task, 2);
    body.end("finished");
    const result = await running.result();
    const stateWhilePaused = (await waiting.status()).state;
    await app.resume("default");
    (await held.next()).end("resumed");

    expect([result, stateWhilePaused]).toEqual(["finished", "ready"]);
    expect(await waiting.result()).toBe("resumed");
  });

  it("concerns one queue only", async () => {
    await using stage = await Stage.open(mode);
    const [a, b] = [new HeldTask("a", { queue: "a" }), new HeldTask("b", { queue: "b" })];
    const app = await stage.app({ tasks: [a.task, b.task] });
    await app.pause("a");

    await app.enqueue(a.task, {});
    await app.enqueue(b.task, {});
    await b.next();

    expect(a.bodies).toEqual([]);
    expect((await app.queues()).map(({ name, paused }) => [name, paused])).toEqual([
      ["a", true],
      ["b", false],
    ]);
  });

  it("a queue twice, or one that has no jobs yet, is no mistake", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app();

    await app.pause("later");
    await app.pause("later");

    expect(await app.queues()).toMatchObject([{ name: "later", paused: true }]);
  });

  it.each(["", "with space", "ä", "x".repeat(129), 7 as never])(
    "refuses %j as the name of a queue",
    async (name) => {
      await using stage = await Stage.open(mode);
      const app = await stage.app();

      await expect(app.pause(name)).rejects.toMatchObject({
        code: expect.stringMatching(/UNJAM_QUEUE_NAME_INVALID|UNJAM_INVALID_OPTION/) as string,
      });
    },
  );
});

describe.each(EVERYWHERE.filter(({ store }) => store === "sqlite"))(
  "a restart on $store, $runtime",
  (mode) => {
    it("leaves a paused queue paused, and its jobs there", async () => {
      await using stage = await Stage.open(mode);
      const hello = task("hello", {}, async () => "hi");
      const before = await stage.app({ tasks: [hello] });
      await before.pause("default");
      const { id } = await before.enqueue(hello, {});
      await before.close();

      const after = await stage.app({ tasks: [hello] });
      const [queue] = await after.queues();
      const stateWhilePaused = (await after.job(id).status()).state;
      await after.resume("default");

      expect(queue).toMatchObject({ paused: true, counts: { ready: 1 } });
      expect(stateWhilePaused).toBe("ready");
      expect(await after.job(id).result()).toBe("hi");
    });

    it("goes on with delayed, waiting and dead jobs as they were", async () => {
      await using stage = await Stage.open(mode);
      const some = task("some", { attempts: 1 }, async () => Promise.reject(new Error("no")));
      const before = await stage.app({ tasks: [some] });
      const dead = await before.enqueue(some, { n: 1 });
      await dead.result().catch(() => undefined);
      const delayed = await before.enqueue(some, { n: 2 }, { delayMs: 3_600_000, priority: 4 });
      await before.close();

      const after = await stage.app({ work: false });

      expect(await after.job(dead.id).status()).toMatchObject({
        state: "dead",
        error: { message: "no" },
      });
      expect(await after.job(delayed.id).status()).toMatchObject({
        state: "scheduled",
        priority: 4,
      });
    });

    it("keeps the two apps on one file apart: each sees the other's jobs and their results", async () => {
      await using stage = await Stage.open(mode);
      const hello = task("hello", {}, async (name: string) => `hello ${name}`);
      await stage.app({ tasks: [hello] });
      const producer = await stage.app({ work: false, tasks: [task("hello", {})] });

      const job = await producer.enqueue("hello", "Ada");

      expect(await job.result()).toBe("hello Ada");
      expect(await producer.jobs({ state: "done" })).toMatchObject([{ id: job.id }]);
    });
  },
);

describe.each(EVERYWHERE)("looking at jobs on $store, $runtime", (mode) => {
  it("lists them by queue and state", async () => {
    await using stage = await Stage.open(mode);
    const done = task("done", { queue: "a" }, async () => 1);
    const failing = task("failing", { queue: "b", attempts: 1 }, () =>
      Promise.reject(new Error("no")),
    );
    const app = await stage.app({ tasks: [done, failing] });
    await app.enqueueMany(done, [1, 2]);
    await app.enqueueMany(failing, [1, 2, 3]);
    await app.join();

    const byQueue = await app.jobs({ queue: "b" });
    const byState = await app.jobs({ state: "done" });
    const byBoth = await app.jobs({ queue: "a", state: "dead" });

    expect(byQueue.map(({ task: name }) => name)).toEqual(["failing", "failing", "failing"]);
    expect(byState.map(({ queue }) => queue)).toEqual(["a", "a"]);
    expect(byBoth).toEqual([]);
  });

  it("lists them page by page, each once, in the order of their ids", async () => {
    await using stage = await Stage.open(mode);
    const later = task("later", {}, async () => 1);
    const app = await stage.app({ tasks: [later] });
    const jobs = await app.enqueueMany(later, Array(25).fill(0), { delayMs: 3_600_000 });

    const pages: string[][] = [];
    let after: string | undefined;
    do {
      const page = await app.jobs({ limit: 10, ...(after === undefined ? {} : { after }) });
      pages.push(page.map(({ id }) => id));
      after = page.at(-1)?.id;
    } while (after !== undefined);

    expect(pages.map(({ length }) => length)).toEqual([10, 10, 5, 0]);
    expect(pages.flat()).toEqual(jobs.map(({ id }) => id));
  });

  it("goes on after a caller's own id, and refuses one that no job has", async () => {
    await using stage = await Stage.open(mode);
    const later = task("later", {}, async () => 1);
    const app = await stage.app({ tasks: [later] });
    await app.enqueue(later, 1, { id: "first", delayMs: 3_600_000 });
    await app.enqueue(later, 2, { id: "second", delayMs: 3_600_000 });

    const rest = await app.jobs({ after: "first" });

    expect(rest.map(({ id }) => id)).toEqual(["second"]);
    await expect(app.jobs({ after: "who" })).rejects.toMatchObject({ code: "UNJAM_JOB_UNKNOWN" });
  });

  it.each([
    [{ limit: 0 }, "UNJAM_INVALID_OPTION"],
    [{ limit: 1_001 }, "UNJAM_INVALID_OPTION"],
    [{ state: "finished" }, "UNJAM_INVALID_OPTION"],
    [{ page: 2 }, "UNJAM_UNKNOWN_OPTION"],
  ])("refuses %j", async (options, code) => {
    await using stage = await Stage.open(mode);
    const app = await stage.app();

    await expect(app.jobs(options as never)).rejects.toMatchObject({ code });
  });

  it("counts them by queue and state, with totals that do not fall", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task], work: { loop: 1 } });
    await app.enqueue(held.task, 1);
    await held.next();
    await app.enqueue(held.task, 2);
    await app.enqueue(held.task, 3, { delayMs: 3_600_000 });

    const [queue] = await app.queues();

    expect(queue).toMatchObject({
      name: "default",
      capacity: 100_000,
      counts: { leased: 1, ready: 1, scheduled: 1, done: 0 },
      doneTotal: 0,
    });
  });
});

describe.each(EVERYWHERE)("looking at workers and waits on $store, $runtime", (mode) => {
  it("names the process, its queues, and who has gone and why", async () => {
    await using stage = await Stage.open({ ...mode, store: "sqlite" });
    const hello = task("hello", { queue: "greetings" }, async () => "hi");
    const gone = await stage.app({ tasks: [hello] });
    await gone.close();
    const app = await stage.app({ tasks: [hello] });

    const workers = await app.workers();

    expect(workers).toMatchObject([
      { pid: process.pid, label: `pid ${process.pid}`, queues: ["greetings"], leftAt: null },
      { pid: process.pid, reason: "it was closed" },
    ]);
  });

  it("lists each open wait with what for, since when and until when", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({
      tasks: [held.task],
      work: { loop: 1 },
      queues: { default: { capacity: 1, waitersMax: 10 } },
    });
    const running = await app.enqueue(held.task, 1);
    const body = await held.next();
    const result = running.result({ waitMs: 60_000 });
    await app.enqueue(held.task, 2);
    const waiting = app.enqueue(held.task, 3, { waitMs: 40_000 });

    await expect.poll(async () => (await app.waits()).length).toBe(2);
    const waits = await app.waits();
    body.end();
    await Promise.all([result, waiting]);

    expect(waits.map(({ name, count }) => [name, count])).toEqual([
      ["enqueue held → default", 1],
      [`result of ${running.id}`, 1],
    ]);
    expect(waits.map(({ since, deadline }) => Math.round(deadline - since))).toEqual([
      40_000, 60_000,
    ]);
    expect(await app.waits()).toEqual([]);
  });
});
