import type { CallContext } from "./call-context.ts";
import type { CallOptions } from "./pool-options.ts";
import type { Transferred } from "./transfer.ts";

/** What a call of a function resolves with. */
export type CallResult<R> = Awaited<R> extends Transferred<infer T> ? T : Awaited<R>;

/** A function of a pool's module, as its caller sees it. */
export type Call<F> = F extends (...args: infer A) => infer R
  ? A extends readonly []
    ? (input?: undefined, options?: CallOptions) => Promise<CallResult<R>>
    : A extends readonly [(infer I)?, CallContext?]
      ? A extends readonly [unknown, ...unknown[]]
        ? (input: I, options?: CallOptions) => Promise<CallResult<R>>
        : (input?: I, options?: CallOptions) => Promise<CallResult<R>>
      : never
  : never;

/** The exported functions of a module that take one input, and maybe a {@link CallContext}. */
export type Calls<M> = {
  readonly [K in keyof M as Call<M[K]> extends never ? never : K]: Call<M[K]>;
};

type Start = (input?: unknown, options?: unknown) => Promise<unknown>;

/**
 * An object that has a function for any name. Each is made once and is an own property from then
 * on, so that only its first use goes through the proxy.
 */
export function callsOf(bind: (name: string) => Start): object {
  const calls = {};
  const handler: ProxyHandler<object> = {
    get(_target, name) {
      // Whoever awaits or prints the object asks for these.
      if (typeof name === "symbol" || name === "then" || name === "toJSON") return undefined;
      const call = bind(name);
      Object.defineProperty(calls, name, { value: call, enumerable: true });
      return call;
    },
  };
  Object.setPrototypeOf(calls, new Proxy({}, handler));
  return calls;
}
