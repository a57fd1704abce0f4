import { describe, expect, it } from "vitest";
import { type App, type OpenWait, task } from "../../src/index.ts";
import * as on from "./fixtures/waiting-tasks.ts";
import { HeldTask } from "./held-task.ts";
import { outcomeOf } from "./outcome.ts";
import { EVERYWHERE, type Mode, ON_THREADS, Stage } from "./stage.ts";

const tasks = new URL("./fixtures/waiting-tasks.ts", import.meta.url);
const ME = `pid ${process.pid}`;

/** The wait of this name, once it is open and says what is expected of it. */
async function openWait(app: App, name: string, heldBy: RegExp): Promise<OpenWait> {
  const find = async (): Promise<OpenWait | undefined> =>
    (await app.waits()).find((wait) => wait.name === name && heldBy.test(wait.heldBy));
  await expect.poll(find, { timeout: 10_000 }).toBeDefined();
  const wait = await find();
  if (wait === undefined) throw new Error(`${name} is over`);
  return wait;
}

describe.each<Mode>(EVERYWHERE)("an open wait on $store, $runtime", (mode) => {
  it("for a result names the attempt that has the job, and where that is", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {});
    (await held.next()).context.progress(0.5, "page 3 of 6");
    const result = outcomeOf(job.result({ waitMs: 60_000 }));

    const wait = await openWait(app, `result of ${job.id}`, /page 3/);
    held.bodies[0]?.end();
    await result;

    expect(wait).toMatchObject({ on: `job ${job.id} (held)`, waiter: null, count: 1 });
    expect(wait.heldBy).toMatch(
      new RegExp(`^attempt 1 on a loop of ${ME} for \\d+ ms, at "page 3 of 6", 50 % done$`),
    );
  });

  it("for a result of a job that nobody has says why", async () => {
    await using stage = await Stage.open(mode);
    const later = task("later", {}, async () => 1);
    const stopped = task("stopped", { queue: "stopped" }, async () => 1);
    const app = await stage.app({ tasks: [later, stopped] });
    await app.pause("stopped");
    const delayed = await app.enqueue(later, {}, { runAt: Date.UTC(2100, 0) });
    const paused = await app.enqueue(stopped, {});
    const results = [delayed, paused].map((job) => outcomeOf(job.result({ waitMs: 60_000 })));

    const forDelayed = await openWait(app, `result of ${delayed.id}`, /./);
    const forPaused = await openWait(app, `result of ${paused.id}`, /./);
    await app.close({ graceMs: 0 });
    await Promise.all(results);

    expect(forDelayed.heldBy).toBe("nobody: it waits for its time, 2100-01-01T00:00:00.000Z");
    expect(forPaused.heldBy).toContain('queue "stopped" is paused');
  });

  it("for room names who takes jobs from the queue, and how many there are", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const queues = { default: { capacity: 1, waitersMax: 10 } };
    const app = await stage.app({ tasks: [held.task], work: { loop: 1 }, queues });
    await app.enqueue(held.task, 1);
    await held.next();
    await app.enqueue(held.task, 2);
    const waiting = outcomeOf(app.enqueue(held.task, 3, { waitMs: 60_000 }));

    const wait = await openWait(app, "enqueue held → default", /consumers/);
    await app.close({ graceMs: 0 });
    await waiting;

    expect(wait.on).toBe('room in queue "default"');
    expect(wait.heldBy).toBe(
      `the consumers of queue "default": ${ME}; 1 waiting (capacity 1), 1 running`,
    );
  });

  it("for the end of all jobs is one too", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task], work: { loop: 1 } });
    await app.enqueue(held.task, 1);
    const joins = [app.join({ waitMs: 60_000 }), app.join({ queue: "default" })].map(outcomeOf);

    const all = await openWait(app, "join", /1 running/);
    const one = await openWait(app, "join default", /1 running/);
    (await held.next()).end();
    await Promise.all(joins);

    expect([all.on, one.on]).toEqual(["all queues", 'queue "default"']);
    expect(all.deadline - all.since).toBe(60_000);
    expect(await app.waits()).toEqual([]);
  });

  it("of a handler on the loop names the handler", async () => {
    await using stage = await Stage.open(mode);
    const child = new HeldTask("child");
    const parent = task("parent", {}, async (_: unknown, context) => {
      const job = await context.enqueue(child.task, {});
      await job.result({ waitMs: 40_000 });
    });
    const app = await stage.app({ tasks: [parent, child.task] });
    const job = await app.enqueue(parent, {});
    const childId = (await child.next()).context.jobId;

    const wait = await openWait(app, `result of ${childId}`, /attempt 1/);
    child.bodies[0]?.end();
    await job.result();

    expect(wait).toMatchObject({
      waiter: `attempt 1 of job ${job.id} (parent)`,
      on: `job ${childId} (child)`,
    });
    expect(wait.deadline - wait.since).toBe(40_000);
  });
});

describe.each<Mode>(ON_THREADS)("an open wait of a handler off the loop, $store", (mode) => {
  it.each([
    ["thread", on.patientOnThread],
    ["process", on.patientInProcess],
  ])("names the handler on its %s, and whoever waits for that", async (runs, patient) => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks, work: { loop: 1, threads: 1, processes: 1 } });
    const job = await app.enqueue(patient, { childMs: 600_000 });
    const result = outcomeOf(job.result({ waitMs: 60_000 }));
    await expect
      .poll(async () => (await app.jobs({ state: "leased" })).length, { timeout: 20_000 })
      .toBe(2);
    const child = (await app.jobs()).find(({ task: name }) => name === "slow")?.id;

    const inner = await openWait(app, `result of ${child}`, /on a loop/);
    const outer = await openWait(app, `result of ${job.id}`, /waiting for/);
    await app.close({ graceMs: 0 });
    await result;

    expect(inner.waiter).toBe(`attempt 1 of job ${job.id} (patient-${runs})`);
    expect(inner.deadline - inner.since).toBe(20_000);
    expect(outer.heldBy).toMatch(
      new RegExp(`^attempt 1 on a ${runs} of ${ME} .*waiting for job ${child}$`),
    );
  });

  it("for room names it too", async () => {
    await using stage = await Stage.open(mode);
    const queues = { narrow: { capacity: 1 } };
    const app = await stage.app({
      tasks,
      queues,
      work: { threads: 1, queues: ["narrow", "default"] },
    });
    await app.pause("narrow");
    await app.enqueue(on.narrow, {});
    const job = await app.enqueue(on.filling, {});

    const wait = await openWait(app, "enqueue narrow → narrow", /is paused/);

    expect(wait).toMatchObject({
      waiter: `attempt 1 of job ${job.id} (filling)`,
      on: 'room in queue "narrow"',
    });
  });
});
