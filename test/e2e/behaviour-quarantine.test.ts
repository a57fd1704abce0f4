import { describe, expect, it } from "vitest";
import { SUSPECT_LOSSES } from "../../src/core/limits.ts";
import { type App, task } from "../../src/index.ts";
import * as on from "./fixtures/thread-tasks.ts";
import { isAlive } from "./process-life.ts";
import { openStore } from "../../src/store/open-store.ts";
import { machineClock, machineTimers } from "../../src/threads/machine-clock.ts";
import { anOwner } from "../conformance/scene.ts";
import { ON_THREADS, type Mode, Stage } from "./stage.ts";

const tasks = new URL("./fixtures/thread-tasks.ts", import.meta.url);

/** An app with one job thread and no job process, and what it says about them. */
async function withThread(stage: Stage) {
  const app: App = await stage.app({ tasks, work: { threads: 1, processes: 0 } });
  const replaced: { part: string; reason: string }[] = [];
  app.on("replaced", (event) => replaced.push(event));
  return { app, replaced };
}

describe.each<Mode>(ON_THREADS)("a job that was lost twice, $store", (mode) => {
  it("runs alone in a process of its own, also where there are none, and may succeed there", async () => {
    await using stage = await Stage.open(mode);
    const { app } = await withThread(stage);

    const job = await app.enqueue(on.threadShy, {});
    const { pid, attempt } = await job.result();

    expect(pid).not.toBe(process.pid);
    expect(attempt).toBe(1);
    expect(await job.status()).toMatchObject({ state: "done", attempt: 1, losses: 2 });
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it("has its process to itself: the next one gets another", async () => {
    await using stage = await Stage.open(mode);
    const { app } = await withThread(stage);

    const jobs = await app.enqueueMany(on.threadShy, [1, 2, 3]);
    const pids = await Promise.all(jobs.map(async (job) => (await job.result()).pid));

    expect(new Set(pids).size).toBe(3);
  });

  it("is dead when that process dies too, and its thread's lane goes on", async () => {
    await using stage = await Stage.open(mode);
    const { app, replaced } = await withThread(stage);

    const job = await app.enqueue(on.poison, {});
    await expect(job.result()).rejects.toMatchObject({
      code: "UNJAM_JOB_FAILED",
      cause: { code: "UNJAM_PROCESS_DIED", details: { losses: SUSPECT_LOSSES } },
    });

    const parts = ["job thread", "job thread", "quarantine process"];
    await expect.poll(() => replaced.map(({ part }) => part)).toEqual(parts);
    expect(await (await app.enqueue(on.quick, 1)).result()).toMatchObject({ value: 1 });
  });

  it("has its deadline there as everywhere", async () => {
    await using stage = await Stage.open(mode);
    const { app } = await withThread(stage);

    const job = await app.enqueue(on.lateAlone, {});

    await expect(job.result()).rejects.toMatchObject({
      cause: { code: "UNJAM_ATTEMPT_TIMEOUT", details: { runs: "process", timeoutMs: 300 } },
    });
    expect(await job.status()).toMatchObject({ state: "dead", attempt: 1, losses: 2 });
  });

  it("is no suspect any more once an operator has retried it", async () => {
    await using stage = await Stage.open(mode);
    const { app } = await withThread(stage);
    const job = await app.enqueue(on.poison, {});
    await job.result().catch(() => undefined);

    await app.retry([job.id]);
    await job.result().catch(() => undefined);

    expect(await job.status()).toMatchObject({ state: "dead", attempt: 1, losses: 2 });
  });
});

describe.each<Mode>(ON_THREADS.filter(({ store }) => store === "sqlite"))(
  "a suspect in an app whose tasks are values, $store",
  (mode) => {
    it("runs on the loop, because no other process could be told what it is", async () => {
      await using stage = await Stage.open(mode);
      const producer = await stage.app({ work: false });
      const job = await producer.enqueue(task("local", {}), {});
      await loseTwice(stage, "local");

      const local = task("local", {}, async (_: unknown, { attempt }) => attempt);
      await stage.app({ tasks: [local] });

      await expect(job.result()).resolves.toBe(1);
      expect(await job.status()).toMatchObject({ losses: SUSPECT_LOSSES });
    });
  },
);

/** Lets workers die that hold the only job of a task. */
async function loseTwice(stage: Stage, name: string): Promise<void> {
  const store = await openStore(stage.store, { clock: machineClock, timers: machineTimers });
  const deadline = machineClock.now() + 10_000;
  for (let loss = 0; loss < SUSPECT_LOSSES; loss++) {
    const owner = await store.join(anOwner(), deadline);
    const slots = [{ queue: "default", tasks: [name], limit: 1 }];
    await store.claim({ owner, slots }, deadline);
    await store.wake({ limit: 10, deadOwners: [{ id: owner, reason: "killed" }] }, deadline);
  }
  await store.close();
}
