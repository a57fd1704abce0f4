import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { App } from "../../src/index.ts";
import * as on from "./fixtures/thread-tasks.ts";
import { ON_THREADS, type Mode, Stage } from "./stage.ts";

const tasks = new URL("./fixtures/thread-tasks.ts", import.meta.url);

/** An app with job threads, and what it says about them. */
async function withThreads(stage: Stage, threads = 1) {
  const app: App = await stage.app({ tasks, work: { threads } });
  const replaced: { part: string; reason: string }[] = [];
  app.on("replaced", (event) => replaced.push(event));
  return { app, replaced };
}

describe.each<Mode>(ON_THREADS)("a handler on a thread, $store", (mode) => {
  it("runs off the main thread, on as many threads as there are slots", async () => {
    await using stage = await Stage.open(mode);
    const { app } = await withThreads(stage, 2);

    const jobs = await app.enqueueMany(on.quick, [1, 2, 3, 4, 5, 6]);
    const seen = await Promise.all(jobs.map((job) => job.result()));

    expect(seen.map(({ value }) => value)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(seen.some(({ isMainThread }) => isMainThread)).toBe(false);
    expect(new Set(seen.map(({ threadId }) => threadId)).size).toBeLessThanOrEqual(2);
  });

  it("can be read while it runs: progress, note and log lines", async () => {
    await using stage = await Stage.open(mode);
    const { app } = await withThreads(stage);

    const job = await app.enqueue(on.talkative, {});

    await expect.poll(() => job.status()).toMatchObject({ progress: 0.5, note: "half" });
    expect(stage.logged).toContainEqual({
      level: "info",
      message: "from the thread",
      fields: { n: 1, jobId: job.id, task: "talkative", attempt: 1 },
    });
  });

  it("leaves the handlers on other threads alone when it is ended", async () => {
    await using stage = await Stage.open(mode);
    const { app } = await withThreads(stage, 2);
    const other = await app.enqueue(on.talkative, {});
    await expect.poll(async () => (await other.status()).note).toBe("half");

    await (await app.enqueue(on.late, {})).result().catch(() => undefined);

    expect(await other.status()).toMatchObject({ state: "leased", losses: 0, attempt: 0 });
  });
});

describe.each<Mode>(ON_THREADS)("a thread that crashes, $store", (mode) => {
  it("costs its job a loss and no attempt, and the job runs again", async () => {
    await using stage = await Stage.open(mode);
    const folder = await mkdtemp(join(tmpdir(), "unjam-crash-"));
    const { app, replaced } = await withThreads(stage);

    const job = await app.enqueue(on.crashing, { mark: join(folder, "crashed") });
    const attempt = await job.result();
    await rm(folder, { recursive: true });

    expect(attempt).toBe(1);
    expect(await job.status()).toMatchObject({ state: "done", attempt: 1, losses: 1 });
    expect(replaced).toMatchObject([{ reason: "it exited with code 3" }]);
  });

  it("by a promise that nobody waited for says which", async () => {
    await using stage = await Stage.open(mode);
    const { app, replaced } = await withThreads(stage);

    await app.enqueue(on.careless, {});

    await expect.poll(() => replaced[0]?.reason).toContain("nobody waited for me");
  });

  it("twice with one job on it, and then its process, makes that job a dead letter that says so", async () => {
    await using stage = await Stage.open(mode);
    const { app } = await withThreads(stage);

    const job = await app.enqueue(on.poison, {});

    await expect(job.result()).rejects.toMatchObject({
      code: "UNJAM_JOB_FAILED",
      cause: {
        code: "UNJAM_PROCESS_DIED",
        details: { task: "poison", reason: "it exited with code 4", losses: 2 },
      },
    });
    expect(await job.status()).toMatchObject({ state: "dead", losses: 2 });
    expect(await (await app.enqueue(on.quick, 1)).result()).toMatchObject({ value: 1 });
  });

  it("for each of six jobs, twice, leaves the others their threads", async () => {
    await using stage = await Stage.open(mode);
    const { app } = await withThreads(stage);
    const broken: object[] = [];
    app.on("broken", (event) => broken.push(event));

    const poison = await app.enqueueMany(on.poison, Array(6).fill(null));
    const next = await app.enqueue(on.quick, 1);
    await Promise.allSettled(poison.map((job) => job.result()));

    expect(await next.result()).toMatchObject({ value: 1 });
    for (const job of poison)
      expect(await job.status()).toMatchObject({ state: "dead", losses: 2 });
    expect(await (await app.enqueue(on.quick, 2)).result()).toMatchObject({ value: 2 });
    expect(broken).toEqual([]);
  });

  it("again and again uses up the restart budget: then jobs for threads are refused at once", async () => {
    await using stage = await Stage.open(mode);
    const { app } = await withThreads(stage, 4);
    const broken: { part: string; restarts: number }[] = [];
    app.on("broken", (event) => broken.push(event));

    await app.enqueueMany(on.poison, Array(12).fill(null));
    await expect.poll(() => broken.length, { timeout: 60_000 }).toBe(1);

    expect(broken).toMatchObject([{ part: "job thread", restarts: 11 }]);
    await expect(app.enqueue(on.quick, 1)).rejects.toMatchObject({
      code: "UNJAM_BROKEN",
      httpStatus: 503,
    });
  });
});
