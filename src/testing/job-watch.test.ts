import { afterEach, describe, expect, it } from "vitest";
import { task } from "../client/task.ts";
import { openTest, type TestOptions } from "./open-test.ts";
import type { TestApp } from "./test-app.ts";

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

/** What a promise that must fail fails with; to be awaited after what makes it fail. */
function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "it did not fail",
    (error: unknown) => error,
  );
}

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
    const doomed = task("doomed", { attempts: 1 }, () => {
      throw new Error("no use");
    });
    const test = await open({ tasks: [doomed] });
    const job = await test.app.enqueue(doomed, {});

    await expect(test.waitFor(job, "done")).rejects.toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      details: { state: "dead" },
      cause: { message: "no use" },
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
    const test = await open({ tasks: [hello] });

    await expect(test.waitFor("nobody", "finished" as "done")).rejects.toMatchObject({
      code: "UNJAM_INVALID_OPTION",
    });
  });
});
