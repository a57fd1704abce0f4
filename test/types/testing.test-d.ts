import { describe, expectTypeOf, it } from "vitest";
import type { JobHandle, JobStatus, JoinResult, Task } from "../../src/index.ts";
import { ManualClock, openTest, runInline, type TestApp } from "../../src/testing/index.ts";

declare const test: TestApp;
declare const job: JobHandle<number>;
declare const resize: Task<{ width: number }, { bytes: number }>;

describe("unjam/testing", () => {
  it("runs a handler with the types of its task", () => {
    expectTypeOf(runInline(resize, { width: 1 })).resolves.toEqualTypeOf<{ bytes: number }>();
    expectTypeOf(test.runInline(resize, { width: 1 }, { attempt: 2 })).resolves.toEqualTypeOf<{
      bytes: number;
    }>();
    // @ts-expect-error -- a width is a number
    void runInline(resize, { width: "wide" });
    // @ts-expect-error -- it is attempt
    void runInline(resize, { width: 1 }, { attempts: 2 });
  });

  it("opens an app that has tasks and, if wanted, a clock of the test's own", () => {
    expectTypeOf(
      openTest({ tasks: [resize], clock: new ManualClock() }),
    ).resolves.toEqualTypeOf<TestApp>();
    // @ts-expect-error -- without tasks there is nothing to test
    void openTest({});
    // @ts-expect-error -- it is always in memory
    void openTest({ tasks: [resize], store: "sqlite:jobs.db" });
  });

  it("waits for a job or an id, and drains as join does", () => {
    expectTypeOf(test.waitFor(job, "done")).resolves.toEqualTypeOf<JobStatus>();
    expectTypeOf(test.waitFor("order-17", "done")).resolves.toEqualTypeOf<JobStatus>();
    expectTypeOf(test.drain).returns.resolves.toEqualTypeOf<JoinResult>();
    // @ts-expect-error -- there is no such state
    void test.waitFor(job, "failed");
  });
});
