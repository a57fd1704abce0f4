import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { App, JobHandle } from "../../src/index.ts";
import * as on from "./fixtures/process-tasks.ts";
import { isAlive } from "./process-life.ts";
import { ON_THREADS, type Mode, Stage } from "./stage.ts";

const tasks = new URL("./fixtures/process-tasks.ts", import.meta.url);

/** An app with job processes, and what it says about them. */
async function withProcesses(stage: Stage, processes = 1) {
  const app: App = await stage.app({ tasks, work: { processes } });
  const replaced: { part: string; reason: string }[] = [];
  app.on("replaced", (event) => replaced.push(event));
  return { app, replaced };
}

/** The process that runs a job, which its handler tells in its note. */
async function pidOf(job: JobHandle): Promise<number> {
  await expect.poll(async () => (await job.status()).note, { timeout: 10_000 }).toMatch(/^pid \d+/);
  return Number((await job.status()).note?.slice("pid ".length));
}

describe.each<Mode>(ON_THREADS)("a handler in a process, $store", (mode) => {
  it("runs in a child, on its main thread, and children are used again", async () => {
    await using stage = await Stage.open(mode);
    const { app } = await withProcesses(stage, 2);

    const jobs = await app.enqueueMany(on.quick, [1, 2, 3, 4, 5, 6]);
    const seen = await Promise.all(jobs.map((job) => job.result()));

    expect(seen.map(({ value }) => value)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(seen.every((one) => one.isMainThread)).toBe(true);
    const pids = new Set(seen.map(({ pid }) => pid));
    expect(pids.has(process.pid)).toBe(false);
    expect(pids.size).toBeLessThanOrEqual(2);
  });

  it("can be read while it runs: progress, note and log lines", async () => {
    await using stage = await Stage.open(mode);
    const { app } = await withProcesses(stage);

    const job = await app.enqueue(on.talkative, {});
    await pidOf(job);

    expect(await job.status()).toMatchObject({ progress: 0.5 });
    const about = { jobId: job.id, task: "talkative", attempt: 1 };
    expect(stage.logged).toContainEqual({
      level: "info",
      message: "from the process",
      fields: { n: 1, at: new Date(0), ...about },
    });
  });

  it("is told when its job is cancelled, and its process goes on", async () => {
    await using stage = await Stage.open(mode);
    const { app, replaced } = await withProcesses(stage);
    const job = await app.enqueue(on.talkative, {});
    const pid = await pidOf(job);

    await job.cancel();

    expect(await (await app.enqueue(on.quick, 1)).result()).toMatchObject({ pid });
    expect(await job.status()).toMatchObject({ state: "cancelled" });
    expect(replaced).toEqual([]);
  });

  it("goes on when a terminal or a service manager signals all processes", async () => {
    await using stage = await Stage.open(mode);
    const { app, replaced } = await withProcesses(stage);

    const job = await app.enqueue(on.signalled, {});

    expect(await job.result()).toBe("SIGINT SIGTERM");
    expect(replaced).toEqual([]);
  });

  it.each([
    ["free", on.talkative],
    ["blocked", on.deaf],
  ])("ends with its app when it is %s", async (_how, endless) => {
    await using stage = await Stage.open(mode);
    const { app } = await withProcesses(stage);
    const pid = await pidOf(await app.enqueue(endless, {}));

    await app.close({ graceMs: 1_000 });

    await expect.poll(() => isAlive(pid)).toBe(false);
  });
});

describe.each<Mode>(ON_THREADS)("a process that dies, $store", (mode) => {
  const deaths: readonly (readonly [on.Death, string])[] = [
    ["exit", "it exited with code 3"],
    ["segfault", "it was killed by SIGSEGV"],
    ["abort", "it was killed by SIGABRT"],
    ["kill", "it was killed by SIGKILL"],
    ["careless", "Error: nobody waited for me"],
  ];

  it.each(deaths)(
    "by %s costs its job a loss and no attempt, and the job runs again",
    async (death, reason) => {
      await using stage = await Stage.open(mode);
      const folder = await mkdtemp(join(tmpdir(), "unjam-death-"));
      const { app, replaced } = await withProcesses(stage, 2);
      const bystander = await app.enqueue(on.talkative, {});
      await pidOf(bystander);

      const job = await app.enqueue(on.dying, { mark: join(folder, "died"), death });
      const attempt = await job.result();
      await rm(folder, { recursive: true });

      expect(attempt).toBe(1);
      expect(await job.status()).toMatchObject({ state: "done", attempt: 1, losses: 1 });
      expect(await bystander.status()).toMatchObject({ state: "leased", losses: 0 });
      expect(replaced).toMatchObject([{ part: "job process", reason }]);
    },
  );
});
