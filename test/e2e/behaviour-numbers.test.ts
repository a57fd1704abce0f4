import { describe, expect, it } from "vitest";
import { formatJobId, parseJobId } from "../../src/core/job-id.ts";
import { type App, task } from "../../src/index.ts";
import * as on from "./fixtures/thread-tasks.ts";
import { EVERYWHERE, ON_THREADS, Stage } from "./stage.ts";

const echo = task("echo", {}, async (n: number) => n);
const other = task("other", {}, async (n: number) => -n);
const family = task("family", {}, async (n: number, context) => {
  const child = await context.enqueue(echo, n);
  return { id: child.id, result: await child.result() };
});
const tasks = [echo, other, family];

/** An id that the app will draw, `steps` jobs after the one that it gave last. */
function ahead(id: string, steps: number): string {
  return formatJobId((parseJobId(id) ?? 0) + steps);
}

/** Waits until everything is done, and answers the ids of all jobs. */
async function idsOnceDone(app: App): Promise<string[]> {
  await app.join({ waitMs: 20_000 });
  const jobs = await app.jobs();
  expect(jobs.map(({ state }) => state)).toEqual(jobs.map(() => "done"));
  return jobs.map(({ id }) => id);
}

describe.each(EVERYWHERE)(
  "an id of our form that nobody was given, on $store, $runtime",
  (mode) => {
    it("is the job's id, and repeats it as a caller's own id does", async () => {
      await using stage = await Stage.open(mode);
      const app = await stage.app({ tasks });

      const first = await app.enqueue(echo, 1, { id: "j_5" });
      const again = await app.enqueue(echo, 1, { id: "j_5" });

      expect([first.id, again.id]).toEqual(["j_5", "j_5"]);
      expect(await again.result()).toBe(1);
      expect(await idsOnceDone(app)).toEqual(["j_5"]);
    });

    it("with another input or task is refused", async () => {
      await using stage = await Stage.open(mode);
      const app = await stage.app({ tasks });
      const { id } = await app.enqueue(echo, 1);
      await app.enqueue(echo, 1, { id: "j_5" });

      for (const taken of [id, "j_5"]) {
        const details = { id: taken, task: "echo" };
        const refused = { code: "UNJAM_ID_TAKEN", details };
        await expect(app.enqueue(echo, 2, { id: taken })).rejects.toMatchObject(refused);
        await expect(app.enqueue(other, 1, { id: taken })).rejects.toMatchObject(refused);
      }
      expect(await idsOnceDone(app)).toHaveLength(2);
    });

    it.each([
      ["the same input", 7],
      ["another input", 8],
    ])("takes no job away that its number is drawn for later, with %s", async (_what, n) => {
      await using stage = await Stage.open(mode);
      const app = await stage.app({ tasks });
      const { id } = await app.enqueue(echo, 0);
      const written = [1, 2, 3].map((steps) => ahead(id, steps));
      await Promise.all(written.map((given) => app.enqueue(echo, 7, { id: given })));

      const job = await app.enqueue(echo, n);

      expect(written).not.toContain(job.id);
      expect(await job.result()).toBe(n);
      expect(await idsOnceDone(app)).toEqual([id, ...written, job.id]);
    });

    it("keeps no job out that is enqueued with many", async () => {
      await using stage = await Stage.open(mode);
      const app = await stage.app({ tasks });
      const { id } = await app.enqueue(echo, 0);
      const written = [ahead(id, 2), ahead(id, 5)];
      await Promise.all(written.map((given) => app.enqueue(echo, 7, { id: given })));

      const jobs = await app.enqueueMany(echo, [1, 2, 3]);

      expect(await Promise.all(jobs.map((job) => job.result()))).toEqual([1, 2, 3]);
      expect(new Set([id, ...written, ...jobs.map((job) => job.id)])).toEqual(
        new Set(await idsOnceDone(app)),
      );
      expect(await app.jobs()).toHaveLength(6);
    });

    it("takes no job away that a handler enqueues", async () => {
      await using stage = await Stage.open(mode);
      const app = await stage.app({ tasks });
      const { id } = await app.enqueue(echo, 0);
      // The parent draws the number before.
      const written = ahead(id, 2);
      await app.enqueue(echo, 3, { id: written });

      const result = await (await app.enqueue(family, 3)).result();

      expect(result).toMatchObject({ result: 3 });
      expect(result).not.toMatchObject({ id: written });
      const echoes = (await app.jobs()).filter((job) => job.task === "echo");
      expect(echoes.map((job) => job.state)).toEqual(["done", "done", "done"]);
    });
  },
);

describe.each(ON_THREADS)("an id of our form that nobody was given, on $store", (mode) => {
  it("takes no job away that a handler on a thread enqueues", async () => {
    await using stage = await Stage.open(mode);
    const module = new URL("./fixtures/thread-tasks.ts", import.meta.url);
    const app = await stage.app({ tasks: module, work: { threads: 1 } });
    const child = await (await app.enqueue(on.parent, 0)).result();
    // Threads draw from a block of their own.
    const written = [1, 2].map((steps) => ahead(child, steps));
    await Promise.all(written.map((given) => app.enqueue(on.quick, 4, { id: given })));

    const parent = await app.enqueue(on.parent, 4);
    const next = await parent.result();

    expect([child, ...written]).not.toContain(next);
    expect(await parent.status()).toMatchObject({ attempt: 1, losses: 0 });
    expect(await app.job(next).result()).toMatchObject({ value: 4 });
    await app.join({ waitMs: 20_000 });
    expect((await app.jobs()).filter((job) => job.task === "quick")).toHaveLength(4);
  });
});

describe("two apps on one file", () => {
  it("take no job from each other by an id that only the other could have drawn", async () => {
    await using stage = await Stage.open({ store: "sqlite", runtime: "threads" });
    const [a, b] = [await stage.app({ tasks }), await stage.app({ tasks })];
    const [ofA, ofB] = [await a.enqueue(echo, 0), await b.enqueue(echo, 0)];
    await b.enqueue(echo, 1, { id: ahead(ofA.id, 1) });
    await a.enqueue(other, 1, { id: ahead(ofB.id, 1) });

    const jobs = [await a.enqueue(echo, 1), await b.enqueue(echo, 1)];

    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual([1, 1]);
    await Promise.all([a.join({ waitMs: 20_000 }), b.join({ waitMs: 20_000 })]);
    expect(await a.jobs()).toHaveLength(6);
  });

  it("repeat each other's enqueues by their ids, and refuse other work under them", async () => {
    await using stage = await Stage.open({ store: "sqlite", runtime: "threads" });
    const [a, b] = [await stage.app({ tasks }), await stage.app({ tasks })];
    const { id } = await a.enqueue(echo, 1);

    const again = await b.enqueue(echo, 1, { id });

    expect(again.id).toBe(id);
    await expect(b.enqueue(echo, 2, { id })).rejects.toMatchObject({ code: "UNJAM_ID_TAKEN" });
    expect(await idsOnceDone(a)).toEqual([id]);
  });
});
