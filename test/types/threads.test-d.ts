import { describe, expectTypeOf, it } from "vitest";
import {
  type CallContext,
  type CallOptions,
  SharedQueue,
  type ThreadPool,
  type Transferred,
} from "../../src/threads/index.ts";

/** What `typeof import("./work.ts")` is for a module with these exports. */
interface Work {
  readonly resize: (input: { width: number }, context: CallContext) => Promise<{ bytes: number }>;
  readonly double: (input: number) => number;
  readonly now: () => number;
  readonly greet: (name?: string) => string;
  readonly pixels: (count: number) => Transferred<Uint8Array>;
  readonly add: (a: number, b: number) => number;
  readonly version: string;
}

declare const pool: ThreadPool<Work>;

describe("the calls of a pool", () => {
  it("take what the function takes, and promise what it returns or promises", () => {
    expectTypeOf(pool.call.resize).toEqualTypeOf<
      (input: { width: number }, options?: CallOptions) => Promise<{ bytes: number }>
    >();
    expectTypeOf(pool.call.double).toEqualTypeOf<
      (input: number, options?: CallOptions) => Promise<number>
    >();
  });

  it("need no input where the function needs none", () => {
    expectTypeOf(pool.call.now).toBeCallableWith();
    expectTypeOf(pool.call.now).toBeCallableWith(undefined, { timeoutMs: 5 });
    expectTypeOf(pool.call.greet).toBeCallableWith();
    expectTypeOf(pool.call.greet).toBeCallableWith("Ada");
  });

  it("promise what a function moves, without the list of what was moved", () => {
    expectTypeOf(pool.call.pixels(5)).toEqualTypeOf<Promise<Uint8Array>>();
  });

  it("are those of functions of one input only", () => {
    expectTypeOf(pool.call).not.toHaveProperty("add");
    expectTypeOf(pool.call).not.toHaveProperty("version");
  });
});

describe("a queue across threads", () => {
  it("takes and gives values of its type", () => {
    const queue = new SharedQueue<{ frame: number }>();

    expectTypeOf(queue.tryPut).parameter(0).toEqualTypeOf<{ frame: number }>();
    expectTypeOf(queue.getSync().value).toEqualTypeOf<{ frame: number }>();
  });
});
