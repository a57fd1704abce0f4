import { afterEach, describe, expect, it, vi } from "vitest";
import { handle, task, type Task } from "../client/task.ts";
import type { Logger } from "../core/job-context.ts";
import { retryIn } from "../core/verdict.ts";
import { ManualClock } from "./manual-clock.ts";
import { openTest, type TestOptions } from "./open-test.ts";
import type { TestApp } from "./test-app.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const opened: TestApp[] = [];

async function open(options: TestOptions): Promise<TestApp> {
  const test = await openTest(options);
  opened.push(test);
  return test;
}

afterEach(async () => {
  vi.clearAllMocks();
  for (const test of opened.splice(0)) await test.close();
});

const silent = {
  info: vi.fn<Logger["info"]>(),
  warn: vi.fn<Logger["warn"]>(),
  error: vi.fn<Logger["error"]>(),
};

/** What a promise that must fail fails with; to be awaited after what makes it fail. */
function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "it did not fail",
    (error: unknown) => error,
  );
}

const hello = task("hello", {}, async (input: { name: string }) => `hello ${input.name}`);

/** Fails until it has been tried `tries` times. */
function flaky(
  tries: number,
  options: { attempts?: number; queue?: string } = {},
): Task<object, string> {
  let tried = 0;
  return task("flaky", options, async () => {
    if (++tried < tries) throw new Error(`try ${tried}`);
    return `try ${tried}`;
  });
}

/** A handler that ends when the test says so. */
function held(options: { timeoutMs?: number } = {}): {
  readonly wait: Task<object, string>;
  readonly end: (value: string) => void;
} {
  const { promise, resolve } = Promise.withResolvers<string>();
  return { wait: task("wait", options, () => promise), end: resolve };
}

describe("a test app", () => {
  it("runs a job as soon as it is enqueued", async () => {
    const test = await open({ tasks: [hello] });

    const job = await test.app.enqueue(hello, { name: "Ada" });

    expect(await job.result()).toBe("hello Ada");
  });

  it("runs a thread's task in the test's own thread, without a module", async () => {
    const here = task("here", { runs: "thread" }, () => process.pid);
    const test = await open({ tasks: [here] });

    const job = await test.app.enqueue(here, {});

    expect(await job.result()).toBe(process.pid);
  });

  it("starts a delayed job when the clock comes to it, and not before", async () => {
    const test = await open({ tasks: [hello] });
    const job = await test.app.enqueue(hello, { name: "Ada" }, { delayMs: DAY_MS });

    await test.clock.advance(DAY_MS - 1);
    const before = await job.status();
    await test.clock.advance(1);
    const after = await job.status();

    expect([before.state, after.state]).toEqual(["scheduled", "done"]);
    expect((after.settledAt ?? 0) - after.createdAt).toBe(DAY_MS);
  });

  it("gives a result to who has waited for it over hours", async () => {
    const test = await open({ tasks: [hello] });
    const job = await test.app.enqueue(hello, { name: "Ada" }, { delayMs: 5 * HOUR_MS });

    const result = job.result({ waitMs: 6 * HOUR_MS });
    await test.clock.advance(5 * HOUR_MS);

    expect(await result).toBe("hello Ada");
  });

  it("tells who waits too long, by its clock", async () => {
    const test = await open({ tasks: [hello] });
    const job = await test.app.enqueue(hello, { name: "Ada" }, { delayMs: DAY_MS });

    const failure = failureOf(job.result({ waitMs: HOUR_MS }));
    await test.clock.advance(2 * HOUR_MS);

    expect(await failure).toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      details: { waitedMs: HOUR_MS },
    });
  });

  it("retries without jitter, after one second and then two", async () => {
    const task3 = flaky(3);
    const test = await open({ tasks: [task3] });
    const job = await test.app.enqueue(task3, {});
    const { createdAt } = await test.waitFor(job, "scheduled");

    await test.clock.advance(999);
    const early = await job.status();
    await test.clock.advance(1);
    const second = await job.status();
    await test.clock.advance(2_000);
    const last = await job.status();

    expect([early.attempt, second.attempt, last.state]).toEqual([1, 2, "done"]);
    expect((last.settledAt ?? 0) - createdAt).toBe(3_000);
  });

  it("expires a job at its time, also when time is moved far beyond", async () => {
    const definition = task<object>("nobody");
    const test = await open({ tasks: [hello, definition] });
    const job = await test.app.enqueue(definition, {}, { expireMs: HOUR_MS });

    await test.clock.advance(30 * DAY_MS);
    const { state, settledAt, createdAt } = await test.waitFor(job, "expired");

    expect(state).toBe("expired");
    expect((settledAt ?? 0) - createdAt).toBeLessThan(HOUR_MS + MINUTE_MS);
  });

  it("forgets dead letters after their month, in the blink of an eye", async () => {
    const doomed = flaky(2, { attempts: 1 });
    const test = await open({ tasks: [doomed] });
    const job = await test.app.enqueue(doomed, {});
    await test.waitFor(job, "dead");

    await test.clock.advance(29 * DAY_MS);
    const kept = await job.status();
    await test.clock.advance(2 * DAY_MS);

    expect(kept.state).toBe("dead");
    await expect(job.status()).rejects.toMatchObject({ code: "UNJAM_JOB_UNKNOWN" });
  });

  it("ends an attempt at its deadline, and tells its handler", async () => {
    const reasons: unknown[] = [];
    const stuck = task("stuck", { timeoutMs: 5_000, attempts: 1 }, (_: object, ctx) => {
      ctx.signal.addEventListener("abort", () => reasons.push(ctx.signal.reason));
      return new Promise(() => undefined);
    });
    const test = await open({ tasks: [stuck], logger: silent });
    const job = await test.app.enqueue(stuck, {});
    await test.waitFor(job, "leased");

    await test.clock.advance(5_000);

    await expect(job.result()).rejects.toMatchObject({ code: "UNJAM_JOB_FAILED" });
    expect(reasons).toMatchObject([{ code: "UNJAM_ATTEMPT_TIMEOUT" }]);
    expect(silent.warn).toHaveBeenCalledOnce();
  });

  it("keeps the lease of a handler that runs for an hour", async () => {
    const { wait, end } = held({ timeoutMs: 2 * HOUR_MS });
    const test = await open({ tasks: [wait] });
    const job = await test.app.enqueue(wait, {});
    await test.waitFor(job, "leased");

    await test.clock.advance(HOUR_MS);
    end("at last");

    expect(await job.result()).toBe("at last");
    expect(await job.status()).toMatchObject({ attempt: 1, losses: 0 });
  });

  it("waits for room in a full queue until the caller's time is over", async () => {
    const { wait, end } = held();
    const test = await open({
      tasks: [wait],
      queues: { default: { capacity: 1 } },
      logger: silent,
    });
    await test.app.pause("default");
    await test.app.enqueue(wait, {});

    const failure = failureOf(test.app.enqueue(wait, {}, { waitMs: 10_000 }));
    await test.clock.advance(10_000);

    expect(await failure).toMatchObject({
      code: "UNJAM_QUEUE_FULL",
      details: { waitedMs: 10_000 },
    });
    end("over");
  });

  it("shares its clock with another app", async () => {
    const clock = new ManualClock();
    const [first, second] = [
      await open({ tasks: [hello], clock }),
      await open({ tasks: [hello], clock }),
    ];
    const jobs = [
      await first.app.enqueue(hello, { name: "Ada" }, { delayMs: 1_000 }),
      await second.app.enqueue(hello, { name: "Bob" }, { delayMs: 2_000 }),
    ];

    await clock.advance(2_000);

    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(["hello Ada", "hello Bob"]);
  });

  it("is not stopped by fake timers of the test runner", async () => {
    vi.useFakeTimers();
    const test = await open({ tasks: [hello] });

    const job = await test.app.enqueue(hello, { name: "Ada" });
    const { done } = await test.drain().finally(() => vi.useRealTimers());

    expect([done, await job.result()]).toEqual([1, "hello Ada"]);
  });

  it("closes at once, also while a handler runs, and twice", async () => {
    const { wait } = held();
    const test = await open({ tasks: [wait] });
    const job = await test.app.enqueue(wait, {});
    await test.waitFor(job, "leased");

    await test.close();
    await test.close();

    await expect(test.app.enqueue(wait, {})).rejects.toMatchObject({ code: "UNJAM_CLOSED" });
  });

  it("refuses options that it does not have, and a clock that is none", async () => {
    const wrong = { tasks: [hello], store: "sqlite:jobs.db" } as TestOptions;
    const clock = { now: () => 0, wallNow: () => 0 } as unknown as ManualClock;

    await expect(openTest(wrong)).rejects.toMatchObject({ code: "UNJAM_UNKNOWN_OPTION" });
    await expect(openTest({ tasks: [], clock })).rejects.toMatchObject({
      code: "UNJAM_INVALID_OPTION",
    });
  });
});

describe("drain", () => {
  it("answers what a join answers", async () => {
    const doomed = flaky(2, { attempts: 1 });
    const test = await open({ tasks: [hello, doomed] });
    await test.app.enqueue(hello, { name: "Ada" });
    const dead = await test.app.enqueue(doomed, {});
    await test.app.enqueue(hello, { name: "Bob" }, { delayMs: HOUR_MS });

    const drained = await test.drain();

    expect(drained).toEqual({
      done: 1,
      failed: 1,
      errors: [{ id: dead.id, task: "flaky", error: "try 1" }],
      delayedCount: 1,
      pausedCount: 0,
    });
    expect(await test.app.join()).toEqual(drained);
  });

  it("moves the clock from retry to retry, and no further", async () => {
    const task4 = flaky(4);
    const test = await open({ tasks: [hello, task4] });
    const startedAt = test.clock.wallNow();
    await test.app.enqueue(task4, {});
    await test.app.enqueue(hello, { name: "Ada" }, { delayMs: 7_001 });

    const { done, delayedCount } = await test.drain();

    expect([done, delayedCount]).toEqual([1, 1]);
    expect(test.clock.wallNow() - startedAt).toBe(7_000);
  });

  it("goes to a retry that the handler asked for", async () => {
    let tries = 0;
    const poll = task("poll", {}, () => {
      if (++tries === 1) throw retryIn(DAY_MS);
      return tries;
    });
    const test = await open({ tasks: [poll] });
    const job = await test.app.enqueue(poll, {});

    await test.drain();

    expect(await job.result()).toBe(2);
  });

  it("takes jobs that handlers enqueue", async () => {
    const child = task("child", {}, () => undefined);
    const parent = task("parent", {}, async (_: object, ctx) => {
      for (let count = 0; count < 3; count++) await ctx.enqueue(child, {});
    });
    const test = await open({ tasks: [child, parent] });
    await test.app.enqueue(parent, {});

    expect((await test.drain()).done).toBe(4);
  });

  it("waits for a handler that waits for the world, and time stands still meanwhile", async () => {
    const { wait, end } = held({ timeoutMs: 1 });
    const retried = flaky(2);
    const test = await open({ tasks: [wait, retried] });
    const job = await test.app.enqueue(wait, {});
    await test.waitFor(job, "leased");
    await test.app.enqueue(retried, {});

    const draining = test.drain();
    setImmediate(() => end("from outside"));

    expect((await draining).done).toBe(2);
  });

  it("names a handler that does not end in time", async () => {
    const { wait, end } = held();
    const test = await open({ tasks: [wait] });
    const job = await test.app.enqueue(wait, {});

    await expect(test.drain({ waitMs: 20 })).rejects.toMatchObject({
      code: "UNJAM_JOIN_TIMEOUT",
      details: { waitedMs: 20, unfinished: [{ id: job.id, state: "leased" }] },
    });
    end("over");
  });

  it("names at once a job that nobody here can run", async () => {
    const definition = task<object>("elsewhere");
    const test = await open({ tasks: [hello] });
    const job = await test.app.enqueue(definition, {});

    await expect(test.drain()).rejects.toMatchObject({
      code: "UNJAM_JOIN_TIMEOUT",
      details: { unfinished: [{ id: job.id, state: "ready" }] },
    });
  });

  it("leaves other queues alone", async () => {
    const other = flaky(2, { queue: "other" });
    const test = await open({ tasks: [hello, other] });
    await test.app.enqueue(other, {});
    await test.app.enqueue(hello, { name: "Ada" });

    const drained = await test.drain({ queue: "default" });
    const [left] = await test.app.jobs({ queue: "other" });

    expect([drained.done, left?.state]).toEqual([1, "scheduled"]);
  });

  it("leaves what waits in a paused queue", async () => {
    const test = await open({ tasks: [hello] });
    await test.app.pause("default");
    await test.app.enqueue(hello, { name: "Ada" });

    expect(await test.drain()).toMatchObject({ done: 0, pausedCount: 1 });
  });

  it("ends with the reason of its signal", async () => {
    const { wait, end } = held();
    const test = await open({ tasks: [wait] });
    await test.app.enqueue(wait, {});
    const abort = new AbortController();

    const draining = test.drain({ signal: abort.signal });
    abort.abort(new Error("enough"));

    await expect(draining).rejects.toThrow("enough");
    end("over");
  });
});

describe("waitFor", () => {
  it("sees a state that lasts no longer than a step of the store", async () => {
    const test = await open({ tasks: [hello] });
    await test.app.pause("default");
    const job = await test.app.enqueue(hello, { name: "Ada" });

    const leased = test.waitFor(job, "leased");
    const done = test.waitFor(job, "done");
    await test.app.resume("default");

    expect((await leased).state).toBe("leased");
    expect(await done).toMatchObject({ state: "done", result: "hello Ada" });
  });

  it("waits for a job by an id of the caller's own, before it is enqueued", async () => {
    const test = await open({ tasks: [hello] });

    const done = test.waitFor("order-17", "done");
    await test.app.enqueue(hello, { name: "Ada" }, { id: "order-17" });

    expect(await done).toMatchObject({ id: "order-17", result: "hello Ada" });
  });

  it("ends at once when the job is settled in another state, with the job's error as the cause", async () => {
    const doomed = flaky(2, { attempts: 1 });
    const test = await open({ tasks: [doomed] });
    const job = await test.app.enqueue(doomed, {});

    await expect(test.waitFor(job, "done")).rejects.toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      details: { state: "dead" },
      cause: { message: "try 1" },
    });
  });

  it("says which state the job is in when its time is over", async () => {
    const test = await open({ tasks: [hello] });
    const job = await test.app.enqueue(hello, { name: "Ada" }, { delayMs: 1_000 });

    await expect(test.waitFor(job, "done", { waitMs: 10 })).rejects.toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      details: { waitedMs: 10, state: "scheduled" },
    });
  });

  it("ends with the reason of its signal, and when the app is closed", async () => {
    const test = await open({ tasks: [hello] });
    const abort = new AbortController();

    const aborted = failureOf(test.waitFor("nobody", "done", { signal: abort.signal }));
    const closed = failureOf(test.waitFor("nobody", "done"));
    abort.abort("enough");
    await test.close();

    expect(await aborted).toBe("enough");
    expect(await closed).toMatchObject({ code: "UNJAM_CLOSED" });
  });

  it("refuses a state that there is not", async () => {
    const test = await open({ tasks: [handle(task<object>("nothing"), () => undefined)] });

    await expect(test.waitFor("nobody", "finished" as "done")).rejects.toMatchObject({
      code: "UNJAM_INVALID_OPTION",
    });
  });
});
