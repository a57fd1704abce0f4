import type { Timers } from "../core/clock.ts";
import { TIMER_MS_MAX } from "../core/limits.ts";

/**
 * The timers of the machine, as they were when this module was loaded. A test that installs fake
 * timers later (vi.useFakeTimers, jest.useFakeTimers, mock.timers) must not stop the queue.
 */
const {
  setImmediate: nextImmediate,
  setTimeout: startTimeout,
  clearTimeout: endTimeout,
} = globalThis;

export const realTimers: Timers = {
  after(delayMs, run) {
    const timer = startTimeout(run, Math.min(Math.max(0, delayMs), TIMER_MS_MAX));
    return { cancel: () => endTimeout(timer) };
  },
  soon(run) {
    nextImmediate(run);
  },
};
