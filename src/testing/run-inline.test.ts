import { describe, expect, it } from "vitest";
import { handle, task } from "../client/task.ts";
import type { JobContext } from "../core/job-context.ts";
import type { StandardSchema } from "../core/standard-schema.ts";
import { giveUp } from "../core/verdict.ts";
import { openTest } from "./open-test.ts";
import { runInline } from "./run-inline.ts";

/** Takes texts of digits and gives numbers. */
const digits: StandardSchema<string, number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "string" && /^\d+$/.test(value)
        ? { value: Number(value) }
        : { issues: [{ message: "not digits" }] },
  },
};

describe("runInline", () => {
  it("answers what the handler returns", async () => {
    const double = task("double", {}, async (n: number) => n * 2);

    expect(await runInline(double, 21)).toBe(42);
  });

  it("runs a handler that was given to a definition", async () => {
    const double = task<number, number>("double", { runs: "thread" });
    const body = handle(double, (n) => n * 2);

    expect(await runInline(body, 21)).toBe(42);
  });

  it("throws what the handler throws, the very same", async () => {
    const error = giveUp("the card has expired");
    const charge = task("charge", {}, () => {
      throw error;
    });

    await expect(runInline(charge, undefined as never)).rejects.toMatchObject({
      code: "UNJAM_PAYLOAD_NOT_SERIALIZABLE",
    });
    await expect(runInline(charge, {})).rejects.toBe(error);
  });

  it("gives the handler what the schema makes of the input", async () => {
    const next = task("next", { input: digits }, (n) => n + 1);

    expect(await runInline(next, "41")).toBe(42);
  });

  it("refuses an input that does not fit the schema", async () => {
    const next = task("next", { input: digits }, (n) => n + 1);

    await expect(runInline(next, "many")).rejects.toMatchObject({ code: "UNJAM_PAYLOAD_INVALID" });
  });

  it("passes input and result through JSON, as the queue does", async () => {
    const echo = task("echo", {}, (input: { at: unknown }) => ({ ...input, nothing: undefined }));

    const result = await runInline(echo, { at: new Date(0) });

    expect(result).toStrictEqual({ at: "1970-01-01T00:00:00.000Z" });
  });

  it("refuses a result that cannot be stored", async () => {
    const circle = task("circle", {}, () => {
      const round: Record<string, unknown> = {};
      round["self"] = round;
      return round;
    });

    await expect(runInline(circle, {})).rejects.toMatchObject({
      code: "UNJAM_RESULT_NOT_SERIALIZABLE",
    });
  });

  it("shows the handler the attempt that it is told", async () => {
    const which = task("which", {}, (_: object, ctx) => ctx.attempt);

    expect(await runInline(which, {}, { attempt: 3 })).toBe(3);
  });

  it("aborts the handler's signal with the test's, and then refuses its reports", async () => {
    const abort = new AbortController();
    const seen: JobContext[] = [];
    const wait = task("wait", {}, (_: object, ctx) => {
      seen.push(ctx);
      return new Promise((_resolve, reject) => {
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
      });
    });
    const reason = new Error("enough");

    const running = runInline(wait, {}, { signal: abort.signal });
    abort.abort(reason);

    await expect(running).rejects.toBe(reason);
    expect(() => seen[0]?.progress(0.5)).toThrow(
      expect.objectContaining({ code: "UNJAM_LEASE_LOST" }),
    );
  });

  it("checks progress as the runtime does", async () => {
    const wrong = task("wrong", {}, (_: object, ctx) => ctx.progress(2));

    await expect(runInline(wrong, {})).rejects.toMatchObject({ code: "UNJAM_INVALID_OPTION" });
  });

  it("refuses ctx.enqueue without an app", async () => {
    const child = task("child", {}, () => undefined);
    const parent = task(
      "parent",
      {},
      async (_: object, ctx) => void (await ctx.enqueue(child, {})),
    );

    await expect(runInline(parent, {})).rejects.toMatchObject({ code: "UNJAM_NOT_SUPPORTED" });
  });

  it("enqueues into the app that it belongs to", async () => {
    const child = task("child", {}, () => "done");
    const parent = task("parent", {}, async (_: object, ctx) => (await ctx.enqueue(child, {})).id);
    const test = await openTest({ tasks: [child] });

    const id = await test.runInline(parent, {});
    await test.waitFor(id, "done");

    expect((await test.drain()).done).toBe(1);
    await test.close();
  });

  it("goes by the clock of its app", async () => {
    const deadline = task("deadline", { timeoutMs: 500 }, (_: object, ctx) => ctx.deadlineAt);
    const test = await openTest({ tasks: [] });
    await test.clock.advance(7_000);

    expect(await test.runInline(deadline, {})).toBe(test.clock.wallNow() + 500);
    await test.close();
  });

  it("refuses a definition without a handler", async () => {
    const definition = task<object, string>("nothing");

    await expect(runInline(definition, {})).rejects.toMatchObject({
      code: "UNJAM_TASK_HAS_NO_HANDLER",
    });
  });

  it("refuses what is not a task, and options that it does not have", async () => {
    const hello = task("hello", {}, () => "hi");

    await expect(runInline({ name: "hello" } as never, {})).rejects.toMatchObject({
      code: "UNJAM_INVALID_OPTION",
    });
    await expect(runInline(hello, {}, { attempts: 2 } as object)).rejects.toMatchObject({
      code: "UNJAM_UNKNOWN_OPTION",
    });
  });
});
