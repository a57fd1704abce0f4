/** Ways in which a user's code comes to run in the middle of a call, each with a name. */
import { createHook } from "node:async_hooks";
import type { JoinableQueueOptions } from "../../src/sync/queue-options.ts";

/** Runs the user's code, if the call is under way and it has not run yet. */
export type Spring = () => void;

export interface Trap {
  readonly name: string;
  /** Options of a queue that hold it. */
  readonly inQueue?: (spring: Spring) => JoinableQueueOptions<number>;
  /** Puts it into the options of a call. */
  readonly dress?: (options: object, spring: Spring) => object;
  /** Holds it while `call` runs. */
  readonly around?: (call: () => void, spring: Spring) => void;
}

/** An abort signal with a method of the user's own. */
function slySignal(spring: Spring): AbortSignal {
  const { signal } = new AbortController();
  for (const name of ["addEventListener", "removeEventListener"] as const) {
    const value = (event: string, listener: () => void): void => {
      spring();
      AbortSignal.prototype[name].call(signal, event, listener);
    };
    Object.defineProperty(signal, name, { value });
  }
  return signal;
}

function withGetters(options: object, spring: Spring): object {
  const dressed = {};
  for (const [name, value] of Object.entries(options)) {
    const get = (): unknown => (spring(), value);
    Object.defineProperty(dressed, name, { enumerable: true, get });
  }
  return dressed;
}

function withProxy(options: object, spring: Spring): object {
  return new Proxy(options, {
    ownKeys: (target) => (spring(), Reflect.ownKeys(target)),
    get: (target, name): unknown => (spring(), Reflect.get(target, name)),
    getOwnPropertyDescriptor: (target, name) => (
      spring(),
      Reflect.getOwnPropertyDescriptor(target, name)
    ),
  });
}

/** Something asynchronous is made or resolved for the nth time. */
function hook(nth: number): Trap {
  return {
    name: `a hook of async_hooks, call ${nth}`,
    around: (call, spring) => {
      let count = 0;
      const run = (): void => {
        if (++count === nth) spring();
      };
      const made = createHook({ init: run, promiseResolve: run }).enable();
      try {
        call();
      } finally {
        made.disable();
      }
    },
  };
}

/** Those that any call of a queue or a lock may meet. */
export const TRAPS: readonly Trap[] = [
  { name: "a getter of the options", dress: withGetters },
  { name: "a Proxy for the options", dress: withProxy },
  {
    name: "the methods of a signal",
    dress: (options, spring) =>
      "waitMs" in options ? { ...options, signal: slySignal(spring) } : options,
  },
  ...[1, 2, 3].map(hook),
  {
    name: "a getter of then on Object.prototype",
    around: (call, spring) => {
      // oxlint-disable-next-line no-extend-native, unicorn/no-thenable -- this is the damage that must be survived.
      Object.defineProperty(Object.prototype, "then", {
        configurable: true,
        get: spring,
      });
      try {
        call();
      } finally {
        Reflect.deleteProperty(Object.prototype, "then");
      }
    },
  },
];

/** Those that only a queue has. */
export const QUEUE_TRAPS: readonly Trap[] = [
  ...TRAPS,
  ...[5, 8].map(hook),
  {
    name: "a ranking function",
    inQueue: (spring) => ({ order: { by: () => (spring(), 0) } }),
  },
  {
    name: "a toJSON, under a describe that serialises",
    inQueue: (spring) => ({
      describe: (value) => JSON.stringify({ toJSON: () => (spring(), value) }),
    }),
  },
  {
    name: "a toString of what describe returned",
    inQueue: (spring) => ({
      describe: (value) => ({ toString: () => (spring(), String(value)) }) as string,
    }),
  },
  {
    name: "a logger",
    // It is told of who is turned away.
    inQueue: (spring) => ({
      whenFull: "reject",
      logger: { info: spring, warn: spring, error: spring },
    }),
  },
  { name: "a listener of full" },
];
