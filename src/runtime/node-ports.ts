import type { Clock, Timers } from "../core/clock.ts";
import { TIMER_MS_MAX } from "../core/limits.ts";

/** As it is now: fake timers that a test installs later must not stop a queue. */
const sinceStartMs: () => number = performance.now.bind(performance);
/**
 * When it was 0, by CLOCK_MONOTONIC. `process.hrtime()` itself makes an array each time, and the
 * clock is read several times a job.
 */
const originMs = Number(process.hrtime.bigint()) / 1e6 - sinceStartMs();

/**
 * The machine's clocks. They tell CLOCK_MONOTONIC: one time line for all threads and processes
 * of a boot, unlike `performance.now()`, which starts anew in each.
 */
export const nodeClock: Clock = {
  now: () => originMs + sinceStartMs(),
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
