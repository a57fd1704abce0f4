import type { Clock, EpochMs, MonotonicMs, Timer, Timers } from "../../src/core/clock.ts";
import type { StorePorts } from "../../src/store/store.ts";

interface Pending {
  readonly dueAt: MonotonicMs;
  readonly run: () => void;
}

/**
 * Time that moves only when a test says so. The two clocks start far apart, so that whoever
 * takes one for the other is found out.
 */
export class ManualClock implements Clock, Timers {
  #now: MonotonicMs = 5_000_000;
  #wallNow: EpochMs = 1_800_000_000_000;
  readonly #pending = new Set<Pending>();

  get ports(): StorePorts {
    return { clock: this, timers: this };
  }

  now(): MonotonicMs {
    return this.#now;
  }

  wallNow(): EpochMs {
    return this.#wallNow;
  }

  /** Lets time pass, and runs what came due in it, in order. */
  advance(ms: number): void {
    this.#now += ms;
    this.#wallNow += ms;
    const due = [...this.#pending].filter(({ dueAt }) => dueAt <= this.#now);
    for (const pending of due.toSorted((a, b) => a.dueAt - b.dueAt)) {
      if (this.#pending.delete(pending)) pending.run();
    }
  }

  /** Sets the wall clock, as an operator or NTP does. Monotonic time goes on unmoved. */
  jumpWall(ms: number): void {
    this.#wallNow += ms;
  }

  after(delayMs: number, run: () => void): Timer {
    const pending: Pending = { dueAt: this.#now + delayMs, run };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** A real turn of the loop, because a store gathers what is submitted in one. */
  soon(run: () => void): void {
    setImmediate(run);
  }
}
