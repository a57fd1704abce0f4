import type { Clock, Timers } from "../core/clock.ts";
import { TIMER_MS_MAX } from "../core/limits.ts";

/** As it is now: fake timers that a test installs later must not stop a queue or a pool. */
const sinceStartMs: () => number = performance.now.bind(performance);

const ROUNDS = 50;
/**
 * When it was 0, by CLOCK_MONOTONIC. `process.hrtime()` itself makes an array each time, and the
 * clock is read several times a job.
 */
const originMs = measureOriginMs();

/**
 * Both clocks are read in turn, and the closest pair counts: a thread that has just started is cold,
 * and may lose its core between two reads for many milliseconds.
 */
function measureOriginMs(): number {
  let closestMs = Number.POSITIVE_INFINITY;
  let origin = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const before = sinceStartMs();
    const machine = hrtimeMs();
    const after = sinceStartMs();
    if (after - before >= closestMs) continue;
    closestMs = after - before;
    origin = machine - (before + after) / 2;
  }
  return origin;
}

function hrtimeMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}

/**
 * The machine's clocks. They tell CLOCK_MONOTONIC: one time line for all threads and processes
 * of a boot, unlike `performance.now()`, which starts anew in each.
 */
export const machineClock: Clock = {
  now: () => originMs + sinceStartMs(),
  wallNow: () => Date.now(),
};

/** Timers hold the process open only when asked to: a queue must not keep a finished program alive. */
export const machineTimers: Timers = {
  after(delayMs, run, options) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), TIMER_MS_MAX));
    if (options?.keepsAlive !== true) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  soon(run) {
    setImmediate(run);
  },
};
