import { describe, expect, it } from "vitest";
import { aPool, rejection } from "./a-pool.ts";

/** Inputs whose own code runs while they are read, in the middle of a call. */
describe("an input that calls the pool while it is read", () => {
  it("by a getter gets its answers, and so does the call", async () => {
    await using pool = aPool();
    const inner: Promise<unknown>[] = [];
    const input = {
      get a(): number {
        inner.push(pool.call.echo("inner"));
        return 1;
      },
    };

    const outer = await pool.call.increment(input);

    expect(outer).toEqual({ b: 2 });
    expect(new Set(await Promise.all(inner))).toEqual(new Set(["inner"]));
    expect(pool.stats()).toMatchObject({ done: inner.length + 1, waiting: 0, placed: 0 });
  });

  it("by a proxy arrives as what the proxy shows", async () => {
    await using pool = aPool();
    const inner: Promise<unknown>[] = [];
    const input = new Proxy(
      { a: 4 },
      {
        get(target, name, receiver): unknown {
          inner.push(pool.call.echo(0));
          return Reflect.get(target, name, receiver);
        },
      },
    );

    expect(await pool.call.increment(input)).toEqual({ b: 5 });
    await Promise.all(inner);
  });

  it("by toJSON is not asked for its JSON", async () => {
    await using pool = aPool();
    let asked = 0;
    class Money {
      cents = 5;
      toJSON(): string {
        asked++;
        void pool.call.echo(1);
        return "5 cents";
      }
    }

    expect(await pool.call.echo(new Money())).toEqual({ cents: 5 });
    expect(asked).toBe(0);
  });

  it("and closes it is refused, and the pool is closed", async () => {
    const pool = aPool();
    let closing: Promise<void> | undefined;
    const input = {
      get a(): number {
        closing ??= pool.close();
        return 1;
      },
    };

    const error = await rejection(pool.call.increment(input));

    expect(error.code).toBe("UNJAM_POOL_CLOSED");
    await closing;
  });

  it("and takes the last place is refused: the capacity holds", async () => {
    await using pool = aPool({ capacity: 1 });
    const inner: Promise<unknown>[] = [];
    const input = {
      get a(): number {
        if (inner.length === 0) inner.push(pool.call.echo("inner"));
        return 1;
      },
    };

    const error = await rejection(pool.call.increment(input));

    expect(error.code).toBe("UNJAM_QUEUE_FULL");
    expect(await Promise.all(inner)).toEqual(["inner"]);
  });

  it("and throws rejects with what it threw as the cause, and takes no place", async () => {
    await using pool = aPool({ capacity: 1 });
    const problem = new Error("not now");
    const input = {
      get a(): never {
        throw problem;
      },
    };

    const error = await rejection<Error>(pool.call.increment(input));

    expect(error).toMatchObject({ code: "UNJAM_CALL_NOT_CLONEABLE" });
    expect(error.cause).toBe(problem);
    expect(await pool.call.echo(1)).toBe(1);
  });
});

describe("code of the caller's that runs when a call ends", () => {
  it("may call the pool from a listener of the signal that stops it", async () => {
    await using pool = aPool();
    const controller = new AbortController();
    const inner: Promise<unknown>[] = [];
    const call = rejection(pool.call.neverSettles(undefined, { signal: controller.signal }));
    controller.signal.addEventListener("abort", () => inner.push(pool.call.echo("inner")));

    controller.abort();

    expect(await call).toBe(controller.signal.reason);
    expect(await Promise.all(inner)).toEqual(["inner"]);
  });

  it("may call the pool from what a result resolves, however often", async () => {
    await using pool = aPool({ threads: 2 });
    let left = 2_000;
    const again = async (): Promise<void> => {
      if (left-- <= 0) return;
      await pool.call.echo(left);
      await again();
    };

    await Promise.all(Array.from({ length: 50 }, again));

    expect(pool.stats()).toMatchObject({ done: 2_000, waiting: 0, placed: 0 });
  });
});
