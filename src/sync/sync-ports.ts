import type { Clock, Random, Timers } from "../core/clock.ts";
import { TIMER_MS_MAX } from "../core/limits.ts";

/** Time, timers and chance, as arguments of everything in this folder. */
export interface SyncPorts {
  /** By default `performance.now()` and `Date.now()`. */
  readonly clock: Clock;
  /** By default the runtime's, as they were when this was loaded: fake timers do not reach them. */
  readonly timers: Timers;
  /** By default `Math.random()`. */
  readonly random: Random;
}

/**
 * The runtime's own, as they were when this module was loaded: fake timers that a test installs
 * later must not stop a lock.
 */
const { setTimeout: startTimeout, clearTimeout: endTimeout } = globalThis;
/** Absent in browsers, where a timer of 0 ms is the next turn. */
const immediate: ((run: () => void) => unknown) | undefined = Reflect.get(
  globalThis,
  "setImmediate",
);

/**
 * The ports of the JavaScript runtime that this runs in. Timers hold the process open unless told
 * otherwise: somebody awaits what they end.
 */
export const defaultSyncPorts: SyncPorts = {
  clock: { now: () => performance.now(), wallNow: () => Date.now() },
  timers: {
    after(delayMs, run, options) {
      const timer = startTimeout(run, Math.min(Math.max(0, delayMs), TIMER_MS_MAX));
      // Browsers, where a timer is a number, have no process to hold.
      if (options?.keepsAlive === false && typeof timer === "object") timer.unref();
      return { cancel: () => endTimeout(timer) };
    },
    soon(run) {
      if (immediate === undefined) startTimeout(run, 0);
      else immediate(run);
    },
  },
  random: () => Math.random(),
};

/** Whether the process says that it is being developed: `NODE_ENV=development`. */
export function isDevelopment(): boolean {
  const env: unknown = globalThis.process?.env;
  return typeof env === "object" && env !== null && Reflect.get(env, "NODE_ENV") === "development";
}
