import type { Clock, MonotonicMs, Timers } from "../core/clock.ts";
import { MOMENT_MS } from "../core/limits.ts";

/**
 * A short stretch of time that all waits which begin in it share. A queue that serves millions of
 * calls a second cannot read the clock for each; so it is read when the stretch begins and when it
 * ends, and a wait counts from the end: it is never cut short, and lasts at most MOMENT_MS longer
 * than asked for, or as long as the loop was blocked.
 */
export interface Moment {
  readonly beganAt: MonotonicMs;
  /** `undefined` while it lasts. */
  endedAt: MonotonicMs | undefined;
}

/** Keeps the moment that runs. */
export class Moments {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #onEnd: () => void;
  #running: Moment | undefined;

  constructor(
    ports: { readonly clock: Clock; readonly timers: Timers },
    onEnd: () => void = () => undefined,
  ) {
    this.#clock = ports.clock;
    this.#timers = ports.timers;
    this.#onEnd = onEnd;
  }

  /** The moment that runs; shared by whatever begins in it. */
  get shared(): Moment {
    return this.#running ?? this.#begin();
  }

  /** A moment of its own, for a wait that must end to the millisecond. */
  exact(): Moment {
    const now = this.#clock.now();
    return { beganAt: now, endedAt: now };
  }

  #begin(): Moment {
    const moment: Moment = { beganAt: this.#clock.now(), endedAt: undefined };
    this.#running = moment;
    const end = (): void => {
      moment.endedAt = this.#clock.now();
      this.#running = undefined;
      this.#onEnd();
    };
    this.#timers.after(MOMENT_MS, end, { keepsAlive: false });
    return moment;
  }
}
