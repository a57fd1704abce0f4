import type { Store } from "../../src/store/store.ts";

type StoreMethod = Exclude<keyof Store, "capabilities" | "changedByOthers">;

interface Call {
  readonly method: StoreMethod;
  readonly args: readonly unknown[];
}

/**
 * A real store whose calls pass a gate: a test can see them, hold them back, and make them fail.
 * A call that is held back has not reached the store yet.
 */
export class StoreGate {
  /** What the services under test get. */
  readonly store: Store;
  readonly #calls: Call[] = [];
  readonly #held = new Map<StoreMethod, (() => void)[]>();
  readonly #failures = new Map<StoreMethod, Error[]>();

  constructor(inner: Store) {
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function" || name === "changedByOthers") return value;
        return (...args: readonly unknown[]) => {
          const call = { method: name as StoreMethod, args };
          return this.#pass(call, () => Reflect.apply(value, target, args) as unknown);
        };
      },
    });
  }

  /** The arguments of each call of a method so far. */
  callsOf<M extends StoreMethod>(method: M): readonly Parameters<Store[M]>[] {
    return this.#calls
      .filter((call) => call.method === method)
      .map(({ args }) => args as Parameters<Store[M]>);
  }

  countOf(method: StoreMethod): number {
    return this.callsOf(method).length;
  }

  /** From now on calls of this method wait for {@link release}. */
  hold(method: StoreMethod): void {
    this.#held.set(method, this.#held.get(method) ?? []);
  }

  /** Lets through what waits, in order, and what comes after. */
  release(method: StoreMethod): void {
    const waiting = this.#held.get(method) ?? [];
    this.#held.delete(method);
    for (const go of waiting) go();
  }

  /** Lets the first call through that waits; those behind it go on waiting. */
  releaseOne(method: StoreMethod): void {
    this.#held.get(method)?.shift()?.();
  }

  /** The next `times` calls of this method reject and do nothing. */
  fail(method: StoreMethod, error: Error, times = 1): void {
    const failures = Array.from({ length: times }, () => error);
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), ...failures]);
  }

  async #pass(call: Call, run: () => unknown): Promise<unknown> {
    this.#calls.push(call);
    const failure = this.#failures.get(call.method)?.shift();
    if (failure !== undefined) throw failure;
    const line = this.#held.get(call.method);
    if (line !== undefined) await new Promise<void>((resolve) => line.push(resolve));
    return run();
  }
}
