import { describe, expectTypeOf, it } from "vitest";
import {
  handle,
  task,
  type Handler,
  type ChildJob,
  type JobContext,
  type Task,
} from "../../src/index.ts";
import type { PublishedSchema } from "./published-schema.ts";

declare const size: PublishedSchema<{ width: string }, { width: number }>;

describe("a task with a handler", () => {
  it("takes what the handler takes and gives what it returns", () => {
    const resize = task("resize", {}, async (input: { width: number }) => ({ bytes: input.width }));

    expectTypeOf(resize).toEqualTypeOf<Task<{ width: number }, { bytes: number }>>();
  });

  it("gives what a handler without a promise returns", () => {
    const double = task("double", {}, (input: number) => input * 2);

    expectTypeOf(double).toEqualTypeOf<Task<number, number>>();
  });

  it("takes anything when its handler looks at nothing", () => {
    const tick = task("tick", {}, async () => undefined);

    expectTypeOf(tick).toEqualTypeOf<Task<unknown, undefined>>();
  });

  it("hands its handler a context", () => {
    task("look", {}, (_input: object, context) => {
      expectTypeOf(context).toEqualTypeOf<JobContext>();
      expectTypeOf(context.jobId).toBeString();
      expectTypeOf(context.attempt).toBeNumber();
      expectTypeOf(context.token).toBeNumber();
      expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
      expectTypeOf(context.deadlineAt).toBeNumber();
      expectTypeOf(context.progress).parameters.toEqualTypeOf<
        [fraction: number, note?: string | undefined]
      >();
      expectTypeOf(context.step).toEqualTypeOf<(name: string) => void>();
      expectTypeOf(context.enqueue).returns.resolves.toEqualTypeOf<ChildJob>();
      // @ts-expect-error -- a level that loggers do not have
      context.log("fatal", "no");
      // @ts-expect-error -- what is given cannot be changed
      context.attempt = 2;
    });
  });
});

describe("a task with a schema", () => {
  it("takes the schema's input, and hands its output to the handler", () => {
    const resize = task("resize", { input: size }, async (input) => {
      expectTypeOf(input).toEqualTypeOf<{ width: number }>();
      return input.width;
    });

    expectTypeOf(resize).toEqualTypeOf<Task<{ width: string }, number>>();
  });

  it("takes the schema's input as a definition too", () => {
    const resize = task("resize", { input: size });

    expectTypeOf(resize).toEqualTypeOf<Task<{ width: string }>>();
  });

  it("refuses a handler that wants something else", () => {
    // @ts-expect-error -- the schema makes a number of the width, and the handler takes a text
    task("resize", { input: size }, async (input: { width: string }) => input.width);
  });

  it("refuses what is no schema", () => {
    // @ts-expect-error -- a function is not a Standard Schema
    task("resize", { input: (value: unknown) => value }, async () => undefined);
  });
});

describe("a definition", () => {
  const resize = task<{ width: number }, { bytes: number }>("resize", { queue: "images" });

  it("has the types that it is given", () => {
    expectTypeOf(resize).toEqualTypeOf<Task<{ width: number }, { bytes: number }>>();
  });

  it("gives its types to its handler", () => {
    const body = handle(resize, async (input, context) => {
      expectTypeOf(input).toEqualTypeOf<{ width: number }>();
      expectTypeOf(context).toEqualTypeOf<JobContext>();
      return { bytes: input.width };
    });

    expectTypeOf(body).toEqualTypeOf<Task<{ width: number }, { bytes: number }>>();
  });

  it("refuses a handler with another input or result", () => {
    // @ts-expect-error -- the result has bytes
    handle(resize, async () => ({ pixels: 1 }));
    // @ts-expect-error -- the width is a number
    handle(resize, async (input: { width: string }) => ({ bytes: input.width.length }));
  });

  it("takes a handler that was typed apart", () => {
    const body: Handler<{ width: number }, { bytes: number }> = ({ width }) => ({ bytes: width });

    expectTypeOf(handle(resize, body)).toEqualTypeOf<Task<{ width: number }, { bytes: number }>>();
  });
});

describe("a task's options", () => {
  it("are refused when they are misspelt", () => {
    // @ts-expect-error -- it is timeoutMs
    task("resize", { timeout: 1_000 }, async () => undefined);
    // @ts-expect-error -- it is attempts
    task("resize", { retries: 3 });
    // @ts-expect-error -- it is firstMs
    task("resize", { backoff: { first: 1_000 } });
    // @ts-expect-error -- it is deadMs
    task("resize", { keep: { failedMs: 1_000 } });
  });

  it("are refused with values of another type", () => {
    // @ts-expect-error -- durations are numbers
    task("resize", { timeoutMs: "30s" });
    // @ts-expect-error -- loop, thread or process
    task("resize", { runs: "worker" });
    // @ts-expect-error -- a name is a text
    task(1, {});
  });
});
