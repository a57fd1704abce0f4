import { describe, expect, it } from "vitest";
import { someRecord } from "../../test/client/played-engine.ts";
import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { JobRecord } from "../core/job.ts";
import { JobHandle, statusOf } from "./job-handle.ts";

/** A handle on a job that is settled with this record, or not in the store. */
function aHandle(record: JobRecord | undefined): JobHandle {
  return new JobHandle("j_1", {
    wait: () => Promise.resolve(record),
    find: () => Promise.resolve(record),
    cancel: () => Promise.resolve(true),
  });
}

/** An error as it is stored. */
function stored(error: Error): string {
  return JSON.stringify(toErrorRecord(error));
}

describe("a result", () => {
  it("is what the handler returned, anew for each who asks", async () => {
    const job = aHandle(someRecord({ result: '{"bytes":[1,2]}' }));

    const [first, second] = [await job.result(), await job.result()];

    expect(first).toEqual({ bytes: [1, 2] });
    expect(second).toEqual(first);
    expect(second).not.toBe(first);
  });

  it("is undefined when the handler returned nothing, and null when it returned null", async () => {
    expect(await aHandle(someRecord({ result: null })).result()).toBeUndefined();
    expect(await aHandle(someRecord({ result: "null" })).result()).toBeNull();
  });

  it("that could not be stored is refused, although the job is done", async () => {
    const problem = new UnjamError("UNJAM_RESULT_TOO_LARGE", { id: "j_1", bytes: 9, bytesMax: 8 });
    const job = aHandle(someRecord({ error: stored(problem) }));

    await expect(job.result()).rejects.toMatchObject({
      code: "UNJAM_RESULT_TOO_LARGE",
      details: { bytes: 9 },
    });
  });

  it("of a done job does not mind the error of an earlier attempt", async () => {
    const job = aHandle(
      someRecord({ attempt: 2, result: "7", error: stored(new Error("first try")) }),
    );

    expect(await job.result()).toBe(7);
  });

  it("of a dead job is its last error, as the cause", async () => {
    const error = Object.assign(new TypeError("no width"), { code: "E_WIDTH" });
    const job = aHandle(someRecord({ state: "dead", attempt: 3, error: stored(error) }));

    await expect(job.result()).rejects.toMatchObject({
      code: "UNJAM_JOB_FAILED",
      details: { id: "j_1", task: "send", attempts: 3, reason: "no width" },
      cause: { name: "TypeError", message: "no width", code: "E_WIDTH" },
    });
  });

  it("of a dead job has the text of an error that an older version wrote", async () => {
    const job = aHandle(someRecord({ state: "dead", error: "it broke" }));

    await expect(job.result()).rejects.toMatchObject({ cause: { message: "it broke" } });
  });

  it.each([
    ["cancelled", "UNJAM_JOB_CANCELLED"],
    ["expired", "UNJAM_JOB_EXPIRED"],
    ["dropped", "UNJAM_JOB_DROPPED"],
  ] as const)("of a job that is %s is refused with %s", async (state, code) => {
    await expect(aHandle(someRecord({ state })).result()).rejects.toMatchObject({ code });
  });

  it("names the job by the caller's own id", async () => {
    const job = aHandle(someRecord({ state: "cancelled", callerId: "order-17" }));

    await expect(job.result()).rejects.toMatchObject({ details: { id: "order-17" } });
  });

  it("whose row is gone is refused", async () => {
    await expect(aHandle(undefined).result()).rejects.toMatchObject({ code: "UNJAM_RESULT_GONE" });
  });

  it.each([
    ["UNJAM_INVALID_OPTION", { waitMs: -1 }],
    ["UNJAM_INVALID_OPTION", { waitMs: 2 ** 31 }],
    ["UNJAM_INVALID_OPTION", { signal: "soon" }],
    ["UNJAM_UNKNOWN_OPTION", { timeoutMs: 1_000 }],
  ])("refuses with %s to be waited for by %j", async (code, options) => {
    await expect(aHandle(someRecord()).result(options as object)).rejects.toMatchObject({ code });
  });
});

describe("a status", () => {
  it("of a job that is not in the store is refused", async () => {
    await expect(aHandle(undefined).status()).rejects.toMatchObject({ code: "UNJAM_JOB_UNKNOWN" });
  });

  it("has a result only when the job is done, and is plain data", () => {
    const done = statusOf(someRecord({ result: "7" }));
    const ready = statusOf(someRecord({ state: "ready", result: "7", settledAt: null }));

    expect(done).toEqual({
      id: "j_1",
      ...{ task: "send", queue: "mail", state: "done", progress: null, note: null },
      ...{ attempt: 1, losses: 0, priority: 0, createdAt: 1_000, runAt: null, settledAt: 2_000 },
      result: 7,
    });
    expect(JSON.parse(JSON.stringify(done))).toEqual(done);
    expect(ready).not.toHaveProperty("result");
  });

  it("has the name, message and code of the last error, and not its stack", () => {
    const error = new UnjamError("UNJAM_ATTEMPT_TIMEOUT", {
      task: "send",
      timeoutMs: 5,
      runs: "loop",
    });

    const status = statusOf(someRecord({ state: "scheduled", error: stored(error) }));

    expect(status.error).toEqual({
      name: "UnjamError",
      message: error.message,
      code: "UNJAM_ATTEMPT_TIMEOUT",
    });
  });
});
