import { describe, expect, it } from "vitest";
import { retryIn, task } from "../../src/index.ts";
import { ClockedApp } from "../runtime/clocked-app.ts";
import { HeldTask } from "./held-task.ts";
import { EVERYWHERE, Stage } from "./stage.ts";

/** A handler that notes when it began, by the wall clock. */
function noting(options: Parameters<typeof task>[1] = {}) {
  const beganAt: number[] = [];
  const note = task("note", options, async () => void beganAt.push(Date.now()));
  return { note, beganAt };
}

describe.each(EVERYWHERE)("time on $store, $runtime", (mode) => {
  it("a job with delayMs starts no sooner", async () => {
    await using stage = await Stage.open(mode);
    const { note, beganAt } = noting();
    const app = await stage.app({ tasks: [note] });
    const enqueuedAt = Date.now();

    const job = await app.enqueue(note, {}, { delayMs: 60 });
    await job.result();

    expect(beganAt[0]).toBeGreaterThanOrEqual(enqueuedAt + 60);
  });

  it("a job with runAt starts no sooner, given as a Date or a number", async () => {
    await using stage = await Stage.open(mode);
    const { note, beganAt } = noting();
    const app = await stage.app({ tasks: [note] });
    const at = Date.now() + 60;

    const jobs = [
      await app.enqueue(note, 1, { runAt: new Date(at) }),
      await app.enqueue(note, 2, { runAt: at }),
    ];
    await Promise.all(jobs.map((job) => job.result()));

    expect(Math.min(...beganAt)).toBeGreaterThanOrEqual(at);
  });

  it("a job with a runAt in the past starts now", async () => {
    await using stage = await Stage.open(mode);
    const { note } = noting();
    const app = await stage.app({ tasks: [note] });

    const job = await app.enqueue(note, {}, { runAt: 0 });

    await expect(job.result()).resolves.toBeUndefined();
  });

  it("a delayed job is scheduled until it is due, and says when that is", async () => {
    await using stage = await Stage.open(mode);
    const { note } = noting();
    const app = await stage.app({ tasks: [note] });
    const runAt = Date.now() + 3_600_000;

    const job = await app.enqueue(note, {}, { runAt });

    expect(await job.status()).toMatchObject({ state: "scheduled", runAt, attempt: 0 });
  });

  it("jobs of a lower priority number start first, equal ones in the order of their enqueue", async () => {
    await using stage = await Stage.open(mode);
    const order: string[] = [];
    const note = task("note", {}, async (name: string) => void order.push(name));
    const app = await stage.app({ tasks: [note], work: { loop: 1 } });
    await app.pause("default");
    for (const [name, priority] of [
      ["d", 9],
      ["b", 1],
      ["a", 0],
      ["c", 1],
    ] as const) {
      await app.enqueue(note, name, { priority });
    }

    await app.resume("default");
    await app.join();

    expect(order).toEqual(["a", "b", "c", "d"]);
  });

  it("a job that has not started when its expireMs is over expires", async () => {
    await using stage = await Stage.open(mode);
    const { note, beganAt } = noting();
    const app = await stage.app({ tasks: [note] });
    await app.pause("default");

    const job = await app.enqueue(note, {}, { expireMs: 20 });

    await expect(job.result()).rejects.toMatchObject({ code: "UNJAM_JOB_EXPIRED" });
    expect(await job.status()).toMatchObject({ state: "expired", attempt: 0 });
    expect(beganAt).toEqual([]);
  });

  it("a job that has started does not expire", async () => {
    await using stage = await Stage.open(mode);
    const held = new HeldTask();
    const { note } = noting({ queue: "other" });
    const app = await stage.app({ tasks: [held.task, note] });
    await app.pause("other");
    const job = await app.enqueue(held.task, {}, { expireMs: 50 });
    const body = await held.next();
    const witness = await app.enqueue(note, {}, { expireMs: 60 });
    await expect(witness.result()).rejects.toMatchObject({ code: "UNJAM_JOB_EXPIRED" });

    body.end("in time");

    expect(await job.result()).toBe("in time");
  });

  it("a retry waits for its backoff, which grows by its factor up to its maximum", async () => {
    await using stage = await Stage.open(mode);
    const beganAt: number[] = [];
    const flaky = task(
      "flaky",
      { attempts: 4, backoff: { firstMs: 20, factor: 3, maxMs: 50, jitter: 0 } },
      async () => {
        beganAt.push(Date.now());
        if (beganAt.length < 4) throw new Error("no luck");
      },
    );
    const app = await stage.app({ tasks: [flaky] });

    await (await app.enqueue(flaky, {})).result();

    const waits = beganAt.slice(1).map((at, index) => at - (beganAt[index] ?? 0));
    expect(waits[0]).toBeGreaterThanOrEqual(19);
    expect(waits[1]).toBeGreaterThanOrEqual(49);
    expect(waits[2]).toBeGreaterThanOrEqual(49);
  });

  it("retryIn decides when the next attempt starts, whatever the backoff says", async () => {
    await using stage = await Stage.open(mode);
    const poll = task("poll", { backoff: { firstMs: 3_600_000 } }, async (_, { attempt }) => {
      if (attempt < 3) throw retryIn(1);
      return attempt;
    });
    const app = await stage.app({ tasks: [poll] });

    const job = await app.enqueue(poll, {});

    expect(await job.result()).toBe(3);
  });

  it("an attempt on the loop that passes its timeoutMs is retried, and says so by an event", async () => {
    await using stage = await Stage.open(mode);
    const polite = task(
      "polite",
      { timeoutMs: 30, attempts: 2, backoff: { firstMs: 1 } },
      (_, { signal, attempt }) => {
        if (attempt === 2) return Promise.resolve("second");
        return new Promise<string>((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      },
    );
    const app = await stage.app({ tasks: [polite] });
    const timeouts: { task: string; jobId: string }[] = [];
    app.on("timeout", (event) => timeouts.push(event));

    const job = await app.enqueue(polite, {});

    expect(await job.result()).toBe("second");
    expect(timeouts).toEqual([{ task: "polite", jobId: job.id, timeoutMs: 30 }]);
  });
});

describe("a job that is due when it is enqueued", () => {
  it.each([
    ["a delayMs of 0", { delayMs: 0 }],
    ["a runAt in the past", { runAt: 0 }],
  ])("runs without any time passing, with %s", async (_, options) => {
    const { note } = noting();
    await using scene = await ClockedApp.open({ tasks: [note] });

    const job = await scene.now(scene.app.enqueue(note, {}, options));

    await expect(scene.now(job.result())).resolves.toBeUndefined();
  });
});

describe("retention", () => {
  const keep = { doneMs: 10_000, deadMs: 120_000 };

  it("keeps a done job for doneMs, but never less than a minute, so that its id cannot be used twice", async () => {
    const done = task("done", { keep }, async () => 1);
    await using scene = await ClockedApp.open({ tasks: [done] });
    const job = await scene.now(scene.app.enqueue(done, {}));
    await scene.now(job.result());

    await scene.clock.advance(58_000);
    const stateBefore = (await scene.now(job.status())).state;
    await scene.clock.advance(4_000);

    expect(stateBefore).toBe("done");
    await expect(scene.now(job.status())).rejects.toMatchObject({ code: "UNJAM_JOB_UNKNOWN" });
    await expect(scene.now(job.result())).rejects.toMatchObject({ code: "UNJAM_RESULT_GONE" });
  });

  it("keeps a dead letter for deadMs", async () => {
    const failing = task("failing", { keep, attempts: 1 }, () => Promise.reject(new Error("no")));
    await using scene = await ClockedApp.open({ tasks: [failing] });
    const job = await scene.now(scene.app.enqueue(failing, {}));
    await scene.clock.advance(118_000);
    const stateBefore = (await scene.now(job.status())).state;

    await scene.clock.advance(4_000);

    expect(stateBefore).toBe("dead");
    await expect(scene.now(job.status())).rejects.toMatchObject({ code: "UNJAM_JOB_UNKNOWN" });
  });

  it("leaves the counters of a join as they are when rows are removed", async () => {
    const done = task("done", { keep }, async () => 1);
    await using scene = await ClockedApp.open({ tasks: [done] });
    await scene.now(scene.app.enqueueMany(done, [1, 2, 3]));
    await scene.clock.advance(70_000);

    const joined = await scene.now(scene.app.join());

    expect(joined.done).toBe(3);
    expect(await scene.now(scene.app.jobs())).toEqual([]);
  });
});
