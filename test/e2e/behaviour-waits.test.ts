import { describe, expect, it } from "vitest";
import { type App, task } from "../../src/index.ts";
import * as on from "./fixtures/waiting-tasks.ts";
import { outcomeOf } from "./outcome.ts";
import { EVERYWHERE, ON_THREADS, type Mode, Stage } from "./stage.ts";

const tasks = new URL("./fixtures/waiting-tasks.ts", import.meta.url);
const PATIENT = { waitMs: 30_000 };

function withSlots(stage: Stage, work: { loop?: number; threads?: number; processes?: number }) {
  return stage.app({ tasks, work: { loop: 1, threads: 1, processes: 1, ...work } });
}

describe.each<Mode>(ON_THREADS)("a handler that waits for another job, $store", (mode) => {
  it.each([
    ["thread", on.onThread],
    ["process", on.inProcess],
    ["loop", on.onLoop],
  ])("lends its slot: one %s is enough for a parent and its children", async (_where, family) => {
    await using stage = await Stage.open(mode);
    const app = await withSlots(stage, {});

    const parent = await app.enqueue(family, { depth: 1, children: 3 });

    expect(await parent.result(PATIENT)).toBe(4);
  });

  it("lends it to the job that it waits for, past all parents that came before", async () => {
    await using stage = await Stage.open(mode);
    const app = await withSlots(stage, { threads: 2 });

    const parents = await app.enqueueMany(
      on.onThread,
      Array.from({ length: 20 }, () => ({ depth: 1 })),
    );
    const results = await Promise.all(parents.map((job) => job.result(PATIENT)));

    expect(results).toEqual(Array(20).fill(2));
  });

  it("on the loop nests as deep as it likes, with one slot", async () => {
    await using stage = await Stage.open(mode);
    const app = await withSlots(stage, {});

    const parent = await app.enqueue(on.onLoop, { depth: 10 });

    expect(await parent.result(PATIENT)).toBe(11);
  });

  it("on a thread is refused when as many wait as there are threads", async () => {
    await using stage = await Stage.open(mode);
    const app = await withSlots(stage, { threads: 2 });

    const fits = await app.enqueue(on.onThread, { depth: 2 });
    expect(await fits.result(PATIENT)).toBe(3);
    const tooDeep = await app.enqueue(on.onThread, { depth: 3 });

    await expect(tooDeep.result(PATIENT)).rejects.toMatchObject({
      cause: { code: "UNJAM_JOB_FAILED" },
    });
    const [deepest] = (await app.jobs({ state: "dead" })).toReversed();
    expect(deepest).toMatchObject({ error: { code: "UNJAM_TOO_MANY_WAITERS" } });
  });

  it("waits for no other parent: many in a row are all done, each after its child", async () => {
    await using stage = await Stage.open(mode);
    const app = await withSlots(stage, {});

    const inputs = Array.from({ length: 5 }, () => ({ depth: 1, children: 2 }));
    const parents = await app.enqueueMany(on.onThread, inputs);
    const results = await Promise.all(parents.map((job) => job.result(PATIENT)));

    expect(results).toEqual(Array(5).fill(3));
    const done = await app.jobs({ queue: "thread", state: "done" });
    expect(done.filter(({ attempt, losses }) => attempt === 1 && losses === 0)).toHaveLength(15);
  });

  it("is told with what the other failed", async () => {
    await using stage = await Stage.open(mode);
    const app = await withSlots(stage, {});

    const parent = await app.enqueue(on.mourning, {});

    expect(await parent.result(PATIENT)).toBe("no luck");
  });

  it("waits no longer than it says, and goes on", async () => {
    await using stage = await Stage.open(mode);
    const app = await withSlots(stage, {});

    const parent = await app.enqueue(on.impatient, { childMs: 2_000 });

    expect(await parent.result(PATIENT)).toBe("UNJAM_WAIT_TIMEOUT");
  });

  it.each([1, 2, 3])(
    "in a circle of %i is refused, and told who waits for whom",
    async (length) => {
      await using stage = await Stage.open(mode);
      const app: App = await withSlots(stage, { threads: 3 });

      const first = await app.enqueue(on.circle, { n: 0, length }, { key: "circle 0" });
      await outcomeOf(first.result(PATIENT));
      await app.join();

      const dead = await app.jobs({ state: "dead" });
      const deadlocks = dead.filter(({ error }) => error?.code === "UNJAM_DEADLOCK");
      expect(dead).toHaveLength(length);
      expect(deadlocks).toHaveLength(1);
      for (const { id } of dead) expect(deadlocks[0]?.error?.message).toContain(id);
    },
  );
});

describe.each<Mode>(EVERYWHERE)("a handler on the loop that waits, $store, $runtime", (mode) => {
  it("lends its slot to its child", async () => {
    await using stage = await Stage.open(mode);
    const child = task("child", {}, async (n: number) => n + 1);
    const parent = task("parent", {}, async (n: number, context) => {
      const job = await context.enqueue(child, n);
      return Number(await job.result());
    });
    const app = await stage.app({ tasks: [parent, child], work: { loop: 1 } });

    const jobs = await app.enqueueMany(parent, [1, 2, 3, 4, 5]);

    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual([2, 3, 4, 5, 6]);
  });

  it("for itself is refused", async () => {
    await using stage = await Stage.open(mode);
    const selfish = task(
      "selfish",
      { attempts: 1 },
      async (_: unknown, context): Promise<unknown> => {
        const job = await context.enqueue(selfish, {}, { key: "me" });
        return job.result();
      },
    );
    const app = await stage.app({ tasks: [selfish] });

    const job = await app.enqueue(selfish, {}, { key: "me" });

    await expect(job.result()).rejects.toMatchObject({
      cause: { code: "UNJAM_DEADLOCK", details: { cycle: [{ holds: `job ${job.id}` }] } },
    });
  });

  it("is told when its own attempt no longer counts", async () => {
    await using stage = await Stage.open(mode);
    const told: unknown[] = [];
    const child = task("child", {}, () => new Promise(() => undefined));
    const parent = task("parent", {}, async (_: unknown, context) => {
      const job = await context.enqueue(child, {});
      context.step("waiting");
      await job.result().catch((error: unknown) => told.push(error));
    });
    const app = await stage.app({ tasks: [parent, child] });
    const job = await app.enqueue(parent, {});
    await expect.poll(async () => (await job.status()).note).toBe("waiting");

    await job.cancel();

    await expect.poll(() => told).toMatchObject([{ code: "UNJAM_LEASE_LOST" }]);
  });
});
