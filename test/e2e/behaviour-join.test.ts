import { describe, expect, it } from "vitest";
import { retryIn, task } from "../../src/index.ts";
import { HeldTask } from "./held-task.ts";
import { errorOf } from "./outcome.ts";
import { EVERYWHERE, Stage } from "./stage.ts";

describe.each(EVERYWHERE)("join on $store, $runtime", (mode) => {
  it("resolves when everything is settled, with the counts and the first ten errors", async () => {
    await using stage = await Stage.open(mode);
    const some = task("some", { attempts: 1 }, async (n: number) => {
      if (n % 2 === 1) throw new Error(`no ${n}`);
    });
    const app = await stage.app({ tasks: [some] });
    const jobs = await app.enqueueMany(
      some,
      Array.from({ length: 24 }, (_, n) => n),
    );

    const joined = await app.join();

    expect(joined).toMatchObject({ done: 12, failed: 12, delayedCount: 0, pausedCount: 0 });
    expect(joined.errors).toHaveLength(10);
    expect(joined.errors[0]).toEqual({ id: jobs[1]?.id, task: "some", error: "no 1" });
  });

  it("of nothing resolves at once", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app();

    expect(await app.join()).toEqual({
      ...{ done: 0, failed: 0, errors: [] },
      ...{ delayedCount: 0, pausedCount: 0 },
    });
  });

  it("waits for jobs that are to be tried again", async () => {
    await using stage = await Stage.open(mode);
    const flaky = task("flaky", {}, async (_, { attempt }) => {
      if (attempt < 3) throw retryIn(20);
    });
    const app = await stage.app({ tasks: [flaky] });
    await app.enqueue(flaky, {});

    expect(await app.join()).toMatchObject({ done: 1 });
  });

  it("waits neither for jobs delayed into the future nor for paused queues, and says how many", async () => {
    await using stage = await Stage.open(mode);
    const here = task("here", {}, async () => 1);
    const paused = task("paused", { queue: "paused" }, async () => 1);
    const app = await stage.app({ tasks: [here, paused] });
    await app.pause("paused");
    await app.enqueueMany(paused, [1, 2, 3]);
    await app.enqueueMany(here, [1, 2], { delayMs: 3_600_000 });
    await app.enqueue(here, 1);

    expect(await app.join()).toMatchObject({ done: 1, delayedCount: 2, pausedCount: 3 });
  });

  it("of one queue leaves the others alone", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask("held", { queue: "slow" });
    const quick = task("quick", { queue: "quick" }, async () => 1);
    const app = await stage.app({ tasks: [held.task, quick] });
    await app.enqueue(held.task, {});
    await app.enqueue(quick, {});

    expect(await app.join({ queue: "quick" })).toMatchObject({ done: 1 });
  });

  it("waits for jobs that are added while it waits", async () => {
    await using stage = await Stage.open(mode);
    const chain = task("chain", {}, async (n: number, context) => {
      if (n > 0) await context.enqueue({ name: "chain" }, n - 1);
    });
    const app = await stage.app({ tasks: [chain] });
    await app.enqueue(chain, 9);

    expect(await app.join()).toMatchObject({ done: 10 });
  });

  it("returns although handlers crash on their input: nothing has to be told that it is over", async () => {
    await using stage = await Stage.open(mode);
    const parse = task("parse", { attempts: 1 }, async (text: string) => {
      return JSON.parse(text) as unknown;
    });
    const app = await stage.app({ tasks: [parse] });
    await app.enqueueMany(parse, ["{}", "{corrupt", "[]"]);

    expect(await app.join()).toMatchObject({ done: 2, failed: 1 });
  });

  it("names at its deadline what is unfinished, who holds it and since when", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const failing = task("failing", { queue: "other", backoff: { firstMs: 3_600_000 } }, () =>
      Promise.reject(new Error("no luck")),
    );
    const app = await stage.app({ tasks: [held.task, failing], work: { loop: 2 } });
    const running = await app.enqueue(held.task, 1);
    (await held.next()).context.progress(0.25, "page 1");
    await expect.poll(async () => (await running.status()).note).toBe("page 1");
    const retrying = await app.enqueue(failing, 2);
    await expect.poll(async () => (await retrying.status()).attempt).toBe(1);

    const late = app.join({ waitMs: 60 });

    await expect(late).rejects.toMatchObject({
      code: "UNJAM_JOIN_TIMEOUT",
      details: {
        waitedMs: 60,
        unfinishedCount: 2,
        unfinished: [
          {
            ...{ id: running.id, task: "held", state: "leased", holder: `pid ${process.pid}` },
            ...{ attempt: 1, runs: "loop", progress: 0.25, note: "page 1", waitsFor: null },
          },
          {
            ...{ id: retrying.id, task: "failing", state: "scheduled", holder: null },
            ...{ attempt: 1, runs: null, note: null, sinceMs: null },
            waitsFor: expect.stringMatching(/^its attempt 2 at 2/) as string,
          },
        ],
      },
    });
    const { details } = (await late.catch((error: unknown) => error)) as {
      details: { unfinished: { sinceMs: number }[] };
    };
    expect(details.unfinished[0]?.sinceMs).toBeGreaterThanOrEqual(60);
  });

  it("names ten at most, and counts them all", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task], work: { loop: 1 } });
    await app.enqueueMany(held.task, Array(25).fill(0));

    const late = app.join({ waitMs: 0 });

    await expect(late).rejects.toMatchObject({ details: { unfinishedCount: 25 } });
    const { details } = (await late.catch((error: unknown) => error)) as {
      details: { unfinished: object[] };
    };
    expect(details.unfinished).toHaveLength(10);
  });

  it("rejects with the signal's reason, and the work goes on", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const app = await stage.app({ tasks: [held.task] });
    const job = await app.enqueue(held.task, {});
    const controller = new AbortController();
    const reason = new Error("enough");
    const joined = errorOf(app.join({ signal: controller.signal }));

    controller.abort(reason);
    const rejection = await joined;
    (await held.next()).end("done");

    expect(rejection).toBe(reason);
    expect(await job.result()).toBe("done");
  });

  it("counts from the moment the app was opened", async () => {
    await using stage = await Stage.open({ ...mode, store: "sqlite" });
    const quick = task("quick", {}, async () => 1);
    const before = await stage.app({ tasks: [quick] });
    await before.enqueueMany(quick, [1, 2, 3]);
    await before.join();
    await before.close();

    const after = await stage.app({ tasks: [quick] });
    await after.enqueue(quick, 4);

    expect(await after.join()).toMatchObject({ done: 1, failed: 0, errors: [] });
  });
});
