import { ThreadPool, type ThreadPoolOptions } from "../../src/threads/index.ts";
import type * as work from "./fixtures/work.ts";

type Work = typeof work;

/** A pool of the functions in fixtures/work.ts. */
export function aPool(options: Partial<ThreadPoolOptions> = {}): ThreadPool<Work> {
  const module = new URL("./fixtures/work.ts", import.meta.url);
  return new ThreadPool<Work>({ module, name: "work", threads: 1, ...options });
}

/** What a promise rejects with; fails when it does not. */
export async function rejection<E = { code: string; details: Record<string, unknown> }>(
  promise: Promise<unknown>,
): Promise<E> {
  const value: unknown = await promise.then(
    (result) => new Error(`resolved with ${String(result)}`),
    (error: unknown) => error,
  );
  return value as E;
}

/** Gives the loop back until this is true. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise<void>((resolve) => setImmediate(resolve));
}
