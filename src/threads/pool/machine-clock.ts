import type { Clock, MonotonicMs, Timers } from "../../core/clock.ts";
import { TIMER_MS_MAX } from "../../core/limits.ts";

/** CLOCK_MONOTONIC: one time line for all threads, unlike `performance.now()`, which begins anew in each. */
export const machineClock: Clock = { now: monotonicNow, wallNow: () => Date.now() };

const OFFSET_ROUNDS = 50;
/** How far this thread's `performance.now()`, the faster of the two, is behind. */
const offsetMs = measureOffsetMs();

/**
 * Both clocks are read in turn, and the closest pair counts: a thread that has just started is cold,
 * and may lose its core between two reads for many milliseconds.
 */
function measureOffsetMs(): number {
  let closestMs = Number.POSITIVE_INFINITY;
  let offset = 0;
  for (let round = 0; round < OFFSET_ROUNDS; round++) {
    const before = performance.now();
    const machine = hrtimeMs();
    const after = performance.now();
    if (after - before >= closestMs) continue;
    closestMs = after - before;
    offset = machine - (before + after) / 2;
  }
  return offset;
}

function monotonicNow(): MonotonicMs {
  return performance.now() + offsetMs;
}

function hrtimeMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}

/** Node's timers. They hold the process open only when asked to. */
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
