import { afterEach, describe, expect, it, vi } from "vitest";
import { task, type Task } from "../client/task.ts";
import type { Logger } from "../core/job-context.ts";
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
function flaky(tries: number, options: { attempts?: number } = {}): Task<object, string> {
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

  it("that was closed by itself does not hold up the clock of others", async () => {
    const clock = new ManualClock();
    const [first, second] = [
      await open({ tasks: [hello], clock }),
      await open({ tasks: [hello], clock }),
    ];
    const job = await second.app.enqueue(hello, { name: "Ada" }, { delayMs: HOUR_MS });

    await first.app.close();
    await clock.advance(HOUR_MS);

    expect(await job.result()).toBe("hello Ada");
  });

  it("refuses options that it does not have, a clock that is none, and no tasks", async () => {
    const wrong = { tasks: [hello], store: "sqlite:jobs.db" } as TestOptions;
    const clock = { now: () => 0, wallNow: () => 0 } as unknown as ManualClock;

    await expect(openTest(wrong)).rejects.toMatchObject({ code: "UNJAM_UNKNOWN_OPTION" });
    await expect(openTest(undefined as never)).rejects.toMatchObject({
      code: "UNJAM_INVALID_OPTION",
      details: { option: "tasks" },
    });
    await expect(openTest({ tasks: [], clock })).rejects.toMatchObject({
      code: "UNJAM_INVALID_OPTION",
    });
  });
});
