import { describe, expect, it } from "vitest";
import { task } from "../../src/index.ts";
import { HeldTask } from "./held-task.ts";
import { EVERYWHERE, Stage } from "./stage.ts";

describe.each(EVERYWHERE)("an id of the caller on $store, $runtime", (mode) => {
  it("is the job's id from then on", async () => {
    await using stage = await Stage.open(mode);
    const hello = task("hello", {}, async () => "hi");
    const app = await stage.app({ tasks: [hello] });

    const job = await app.enqueue(hello, {}, { id: "order-7" });

    expect(job.id).toBe("order-7");
    expect(await app.job("order-7").result()).toBe("hi");
    expect((await app.jobs()).map(({ id }) => id)).toEqual(["order-7"]);
  });

  it("finds the job as the id does that its handler sees", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {}, { id: "order-7" });
    const { context, end } = await held.next();
    end("hi");

    const seen = app.job(context.jobId);

    expect(context.jobId).toMatch(/^j_/);
    expect(await seen.result()).toBe("hi");
    expect(await seen.status()).toEqual(await job.status());
    expect((await seen.status()).id).toBe("order-7");
  });

  it("makes a repeated enqueue harmless, also after the job is done", async () => {
    await using stage = await Stage.open(mode);
    let runs = 0;
    const count = task("count", {}, async () => ++runs);
    const app = await stage.app({ tasks: [count] });
    const first = await app.enqueue(count, { a: 1 }, { id: "once" });
    await first.result();

    const second = await app.enqueue(count, { a: 1 }, { id: "once" });

    expect(await second.result()).toBe(1);
    expect(await app.jobs()).toHaveLength(1);
  });

  it.each([
    ["another input", "count", { a: 2 }],
    ["another task", "other", { a: 1 }],
  ])("with %s is refused, and the first job stays as it is", async (_what, name, input) => {
    await using stage = await Stage.open(mode);
    const count = task("count", {}, async (given: object) => given);
    const other = task("other", {}, async (given: object) => given);
    const app = await stage.app({ tasks: [count, other] });
    const first = await app.enqueue(count, { a: 1 }, { id: "once" });

    const refused = app.enqueue(name, input, { id: "once" });

    await expect(refused).rejects.toMatchObject({
      code: "UNJAM_ID_TAKEN",
      httpStatus: 409,
      details: { id: "once", task: "count" },
    });
    expect(await first.result()).toEqual({ a: 1 });
  });

  it("that we made repeats an enqueue whose answer was lost", async () => {
    await using stage = await Stage.open(mode);
    const hello = task("hello", {}, async () => "hi");
    const app = await stage.app({ tasks: [hello] });
    const first = await app.enqueue(hello, { a: 1 });

    const second = await app.enqueue(hello, { a: 1 }, { id: first.id });

    expect(second.id).toBe(first.id);
    expect(await app.jobs()).toHaveLength(1);
  });

  it("given to many callers at once stores one job", async () => {
    await using stage = await Stage.open(mode);
    const hello = task("hello", {}, async () => "hi");
    const app = await stage.app({ tasks: [hello] });

    const enqueues = Array.from({ length: 50 }, () => app.enqueue(hello, {}, { id: "one" }));
    const jobs = await Promise.all(enqueues);

    expect(new Set(jobs.map(({ id }) => id))).toEqual(new Set(["one"]));
    expect(await app.jobs()).toHaveLength(1);
  });

  it("that no job has is unknown", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app();

    const unknown = app.job("nobody");

    await expect(unknown.status()).rejects.toMatchObject({ code: "UNJAM_JOB_UNKNOWN" });
    await expect(unknown.result()).rejects.toMatchObject({ code: "UNJAM_JOB_UNKNOWN" });
    await expect(unknown.cancel()).rejects.toMatchObject({ code: "UNJAM_JOB_UNKNOWN" });
  });
});

describe.each(EVERYWHERE)("a key on $store, $runtime", (mode) => {
  it("returns the unfinished job that has it, waiting or running", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    await app.pause("default");
    const first = await app.enqueue(held.task, { n: 1 }, { key: "user-1" });
    const whileWaiting = await app.enqueue(held.task, { n: 2 }, { key: "user-1" });
    await app.resume("default");
    await held.next();

    const whileRunning = await app.enqueue(held.task, { n: 3 }, { key: "user-1" });

    expect([whileWaiting.id, whileRunning.id]).toEqual([first.id, first.id]);
    expect(held.bodies.map(({ input }) => input)).toEqual([{ n: 1 }]);
  });

  it("is free again once its job is settled", async () => {
    await using stage = await Stage.open(mode);
    const hello = task("hello", {}, async (n: number) => n);
    const app = await stage.app({ tasks: [hello] });
    const first = await app.enqueue(hello, 1, { key: "user-1" });
    await first.result();

    const second = await app.enqueue(hello, 2, { key: "user-1" });

    expect(second.id).not.toBe(first.id);
    expect(await second.result()).toBe(2);
  });

  it("is one per task: another task may use it too", async () => {
    await using stage = await Stage.open(mode);
    const [a, b] = [new HeldTask("a"), new HeldTask("b")];
    const app = await stage.app({ tasks: [a.task, b.task] });

    const first = await app.enqueue(a.task, {}, { key: "user-1" });
    const second = await app.enqueue(b.task, {}, { key: "user-1" });

    expect(second.id).not.toBe(first.id);
  });

  it("is held by a job that waits for its retry", async () => {
    await using stage = await Stage.open(mode);
    const failing = task("failing", { backoff: { firstMs: 3_600_000 } }, () =>
      Promise.reject(new Error("no luck")),
    );
    const app = await stage.app({ tasks: [failing] });
    const first = await app.enqueue(failing, {}, { key: "user-1" });
    await expect.poll(async () => (await first.status()).attempt).toBe(1);

    const second = await app.enqueue(failing, {}, { key: "user-1" });

    expect(second.id).toBe(first.id);
  });

  it.each(["id", "key"] as const)("or id is refused for many jobs at once: %s", async (option) => {
    await using stage = await Stage.open(mode);
    const hello = task("hello", {}, async () => "hi");
    const app = await stage.app({ tasks: [hello] });

    const refused = app.enqueueMany(hello, [1, 2], { [option]: "x" });

    await expect(refused).rejects.toMatchObject({ code: "UNJAM_NOT_SUPPORTED" });
    expect(await app.jobs()).toEqual([]);
  });
});
