import { afterEach, describe, expect, it } from "vitest";
import { task, type Task } from "../client/task.ts";
import { retryIn } from "../core/verdict.ts";
import { openTest, type TestOptions } from "./open-test.ts";
import type { TestApp } from "./test-app.ts";

const HOUR_MS = 3_600_000;

const opened: TestApp[] = [];

async function open(options: TestOptions): Promise<TestApp> {
  const test = await openTest(options);
  opened.push(test);
  return test;
}

afterEach(async () => {
  for (const test of opened.splice(0)) await test.close();
});

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
      if (++tries === 1) throw retryIn(24 * HOUR_MS);
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
