import { describe, expect, it } from "vitest";
import { task } from "../../src/index.ts";
import { HeldTask } from "./held-task.ts";
import { outcomeOf } from "./outcome.ts";
import { EVERYWHERE, ON_THREADS, Stage } from "./stage.ts";
import { deaf, polite, quick } from "./fixtures/thread-tasks.ts";

describe.each(EVERYWHERE)("cancelling on $store, $runtime", (mode) => {
  it("a job that waits means that it never starts", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    await app.pause("default");
    const job = await app.enqueue(held.task, {});

    const isCancelled = await job.cancel();
    await app.resume("default");
    await app.join();

    expect(isCancelled).toBe(true);
    await expect(job.result()).rejects.toMatchObject({ code: "UNJAM_JOB_CANCELLED" });
    expect(await job.status()).toMatchObject({ state: "cancelled", attempt: 0 });
    expect(held.bodies).toEqual([]);
  });

  it("a job that is delayed works too", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {}, { delayMs: 3_600_000 });

    expect(await job.cancel()).toBe(true);
    expect((await job.status()).state).toBe("cancelled");
  });

  it("a job that waits for its retry means that there is none", async () => {
    await using stage = await Stage.open(mode);
    const failing = task("failing", { backoff: { firstMs: 3_600_000 } }, () =>
      Promise.reject(new Error("no luck")),
    );
    const app = await stage.app({ tasks: [failing] });
    const job = await app.enqueue(failing, {});
    await expect.poll(async () => (await job.status()).attempt).toBe(1);

    expect(await job.cancel()).toBe(true);
    expect(await app.join()).toMatchObject({ done: 0, failed: 0 });
  });

  it("a job that runs tells its handler by the signal, and whoever waits for its result", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {});
    const waiting = outcomeOf(job.result());
    const { context } = await held.next();
    const { signal } = context;

    const isCancelled = await job.cancel();

    expect(isCancelled).toBe(true);
    expect(await waiting).toBe("UNJAM_JOB_CANCELLED");
    await expect.poll(() => signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({
      code: "UNJAM_LEASE_LOST",
      details: { id: job.id, reason: "it was cancelled" },
    });
  });

  it("a job that runs makes what its handler still returns void", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {});
    const body = await held.next();
    await job.cancel();

    body.end("too late");
    await app.join();

    expect((await job.status()).state).toBe("cancelled");
    expect(await job.status()).not.toHaveProperty("result");
  });

  it("frees the slot at once, whatever the handler does", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task], work: { loop: 1 } });
    const first = await app.enqueue(held.task, 1);
    await held.next();
    const second = await app.enqueue(held.task, 2);

    await first.cancel();

    (await held.next()).end("done");
    expect(await second.result()).toBe("done");
  });

  it("twice, or a job that is settled, answers false and changes nothing", async () => {
    await using stage = await Stage.open(mode);
    const hello = task("hello", {}, async () => "hi");
    const app = await stage.app({ tasks: [hello] });
    const done = await app.enqueue(hello, {});
    await done.result();
    const waiting = await app.enqueue(hello, {}, { delayMs: 3_600_000 });
    await waiting.cancel();

    const answers = [await done.cancel(), await waiting.cancel(), await app.job("j_zzz").cancel()];

    expect(answers).toEqual([false, false, false]);
    expect(await done.result()).toBe("hi");
  });

  it("lets the job be retried by hand", async () => {
    await using stage = await Stage.open(mode);
    const hello = task("hello", {}, async () => "hi");
    const app = await stage.app({ tasks: [hello] });
    const job = await app.enqueue(hello, {}, { delayMs: 3_600_000 });
    await job.cancel();

    await app.retry([job.id]);

    expect(await job.result()).toBe("hi");
  });
});

const tasks = new URL("./fixtures/thread-tasks.ts", import.meta.url);

describe.each(ON_THREADS)("cancelling a job on a thread, $store", (mode) => {
  it("tells its handler by the signal, and keeps the thread of one that obeys", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks, work: { threads: 1 } });
    const replaced: unknown[] = [];
    app.on("replaced", (event) => replaced.push(event));
    const job = await app.enqueue(polite, {});
    await expect.poll(async () => (await job.status()).note).toBe("waiting");

    await job.cancel();

    expect(await (await app.enqueue(quick, 1)).result()).toMatchObject({ value: 1 });
    expect((await job.status()).state).toBe("cancelled");
    expect(replaced).toEqual([]);
  });

  it("ends the thread of a handler that is deaf, and another takes its place", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks, work: { threads: 1 } });
    const replaced: unknown[] = [];
    app.on("replaced", (event) => replaced.push(event));
    const job = await app.enqueue(deaf, {});
    await expect.poll(async () => (await job.status()).note).toBe("spinning");

    await job.cancel();

    expect(await (await app.enqueue(quick, 2)).result()).toMatchObject({ value: 2 });
    expect((await job.status()).state).toBe("cancelled");
    expect(replaced).toMatchObject([{ part: "job thread" }]);
  });

  it("that still waits in line costs its thread nothing", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app({ tasks, work: { threads: 1 } });
    const running = await app.enqueue(polite, {});
    await expect.poll(async () => (await running.status()).note).toBe("waiting");
    const waiting = await app.enqueue(quick, 3);

    const isCancelled = await waiting.cancel();
    await running.cancel();

    expect(isCancelled).toBe(true);
    expect(await waiting.status()).toMatchObject({ state: "cancelled", attempt: 0 });
    expect(await (await app.enqueue(quick, 4)).result()).toMatchObject({ value: 4 });
  });
});
