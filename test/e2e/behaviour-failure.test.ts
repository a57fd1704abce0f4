import { describe, expect, it } from "vitest";
import { giveUp, isUnjamError, retryIn, task } from "../../src/index.ts";
import { errorOf } from "./outcome.ts";
import { CORNERS, Stage } from "./stage.ts";

const QUICK = { backoff: { firstMs: 1, jitter: 0 } };

describe.each(CORNERS)("a handler that fails on $store, $runtime", (mode) => {
  it("is tried as often as its attempts say; then the job is a dead letter with the last error", async () => {
    await using stage = await Stage.open(mode);
    const attempts: number[] = [];
    const failing = task("failing", { ...QUICK, attempts: 3 }, async (_, { attempt }) => {
      attempts.push(attempt);
      throw new RangeError(`try ${attempt}`);
    });
    const app = await stage.app({ tasks: [failing] });

    const job = await app.enqueue(failing, {});
    const error = await errorOf(job.result());

    expect(error).toMatchObject({
      code: "UNJAM_JOB_FAILED",
      details: { id: job.id, task: "failing", attempts: 3, reason: "try 3" },
      cause: { name: "RangeError", message: "try 3" },
    });
    expect(attempts).toEqual([1, 2, 3]);
    expect(await job.status()).toMatchObject({
      state: "dead",
      attempt: 3,
      losses: 0,
      error: { name: "RangeError", message: "try 3" },
    });
  });

  it("keeps the cause of its error, and a code if it has one", async () => {
    await using stage = await Stage.open(mode);
    const failing = task("failing", { attempts: 1 }, async () => {
      const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
      throw new TypeError("fetch failed", { cause });
    });
    const app = await stage.app({ tasks: [failing] });

    const error = await errorOf((await app.enqueue(failing, {})).result());

    expect(error).toMatchObject({
      cause: { name: "TypeError", cause: { message: "refused", code: "ECONNREFUSED" } },
    });
  });

  it("shows its own stack", async () => {
    await using stage = await Stage.open(mode);
    const failing = task("failing", { attempts: 1 }, async function theGuiltyOne() {
      throw new Error("no luck");
    });
    const app = await stage.app({ tasks: [failing] });

    const error = await errorOf((await app.enqueue(failing, {})).result());

    expect(error).toHaveProperty("cause.stack", expect.stringContaining("theGuiltyOne"));
  });

  it.each([
    ["a text", "just words", "just words"],
    ["an object", { status: 503 }, '{"status":503}'],
    ["nothing", undefined, "undefined"],
    ["an error whose message throws", evil(), ""],
  ])("may throw anything: %s", async (_what, thrown, message) => {
    await using stage = await Stage.open(mode);
    const failing = task("failing", { attempts: 1 }, async () => {
      // oxlint-disable-next-line typescript/only-throw-error -- what this test is about.
      throw thrown;
    });
    const app = await stage.app({ tasks: [failing] });

    const job = await app.enqueue(failing, {});
    const error = await errorOf(job.result());

    expect(isUnjamError(error, "UNJAM_JOB_FAILED")).toBe(true);
    expect(error).toMatchObject({ cause: { message } });
  });

  it("that throws giveUp makes its job a dead letter at once, with the reason", async () => {
    await using stage = await Stage.open(mode);
    const picky = task("picky", { attempts: 5 }, () => Promise.reject(giveUp("card expired")));
    const app = await stage.app({ tasks: [picky] });

    const job = await app.enqueue(picky, {});
    const error = await errorOf(job.result());

    expect(error).toMatchObject({ details: { attempts: 1, reason: "card expired" } });
    expect(await job.status()).toMatchObject({ state: "dead", attempt: 1 });
  });

  it("that asks for retries has no more attempts than any other", async () => {
    await using stage = await Stage.open(mode);
    const poll = task("poll", { attempts: 2 }, () => Promise.reject(retryIn(0)));
    const app = await stage.app({ tasks: [poll] });

    const job = await app.enqueue(poll, {});

    await expect(job.result()).rejects.toMatchObject({ details: { attempts: 2 } });
  });

  it("does not stop the others", async () => {
    await using stage = await Stage.open(mode);
    const some = task("some", { ...QUICK, attempts: 2 }, async (n: number) => {
      if (n % 3 === 0) throw new Error(`no ${n}`);
      return n;
    });
    const app = await stage.app({ tasks: [some] });
    await app.enqueueMany(
      some,
      Array.from({ length: 30 }, (_, n) => n),
    );

    const { done, failed, errors } = await app.join();

    expect({ done, failed }).toEqual({ done: 20, failed: 10 });
    expect(errors).toHaveLength(10);
    expect(errors[0]).toMatchObject({ task: "some", error: "no 0" });
  });
});

describe.each(CORNERS)("retrying by hand on $store, $runtime", (mode) => {
  it("gives a dead letter all its attempts again", async () => {
    await using stage = await Stage.open(mode);
    let isMended = false;
    const fragile = task("fragile", { ...QUICK, attempts: 2 }, async (_, { attempt }) => {
      if (!isMended) throw new Error("broken");
      return attempt;
    });
    const app = await stage.app({ tasks: [fragile] });
    const job = await app.enqueue(fragile, {});
    await errorOf(job.result());
    isMended = true;

    const revived = await app.retry([job.id]);

    expect(revived).toEqual([job.id]);
    expect(await job.result()).toBe(1);
    expect(await job.status()).toMatchObject({ state: "done", attempt: 1 });
    expect(await job.status()).not.toHaveProperty("error");
  });

  it("answers only the ids of those that it revived, in the words that were used", async () => {
    await using stage = await Stage.open(mode);
    const mixed = task("mixed", { attempts: 1 }, async (isFine: boolean) => {
      if (!isFine) throw new Error("no luck");
    });
    const app = await stage.app({ tasks: [mixed] });
    const done = await app.enqueue(mixed, true);
    const dead = await app.enqueue(mixed, false, { id: "the-dead-one" });
    const cancelled = await app.enqueue(mixed, true, { delayMs: 3_600_000 });
    await cancelled.cancel();
    await done.result();
    await errorOf(dead.result());

    const revived = await app.retry([done.id, "the-dead-one", cancelled.id, "who", "j_zzzzz"]);

    expect(new Set(revived)).toEqual(new Set(["the-dead-one", cancelled.id]));
  });

  it("of nothing is nothing", async () => {
    await using stage = await Stage.open(mode);
    const app = await stage.app();

    expect(await app.retry([])).toEqual([]);
  });
});

/** An error that fights back when it is looked at. */
function evil(): Error {
  const error = new Error("hidden");
  for (const name of ["message", "name", "stack", "cause", "code"]) {
    Object.defineProperty(error, name, {
      get: () => {
        throw new Error("do not look");
      },
    });
  }
  return error;
}
