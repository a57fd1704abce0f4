import type { Clock, Timers } from "../core/clock.ts";
import { TIMER_MS_MAX } from "../core/limits.ts";

/**
 * The machine's clocks. `hrtime` is CLOCK_MONOTONIC: one time line for all threads and processes
 * of a boot, unlike `performance.now()`, which starts anew in each.
 */
export const nodeClock: Clock = {
  now() {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000 + nanoseconds / 1e6;
  },
  wallNow: () => Date.now(),
};

/** Timers hold the process open only when asked to: a queue must not keep a finished program alive. */
export const nodeTimers: Timers = {
  after(delayMs, run, options) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), TIMER_MS_MAX));
    if (options?.keepsAlive !== true) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  soon(run) {
    setImmediate(run);
  },
};
