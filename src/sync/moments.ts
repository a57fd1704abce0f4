import type { Clock, MonotonicMs, Timer, Timers } from "../core/clock.ts";
import { Fifo } from "../core/fifo.ts";
import { invariant } from "../core/invariant.ts";
import { MOMENT_MS } from "../core/limits.ts";

/**
 * A short stretch of time that all asks which begin in it share. A queue that serves millions of
 * calls a second can neither read the clock for each nor note each deadline; so a moment counts
 * its open asks, and only when it has some left at the deadline does anybody look for them. A wait
 * counts from the moment's end: it is never cut short, and lasts at most MOMENT_MS longer than
 * asked for, or as long as the loop was blocked.
 */
export interface Moment {
  readonly beganAt: MonotonicMs;
  /** `undefined` while it lasts. */
  endedAt: MonotonicMs | undefined;
  /** Asks that began in it and still wait. */
  openCount: number;
}

/** Keeps the moment that runs, and tells when those before have asks left at their deadline. */
export class Moments {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #waitMs: number;
  readonly #onLate: (moment: Moment) => void;
  readonly #past = new Fifo<Moment>();
  #latest: Moment;
  #timer: Timer | undefined;

  /** @param waitMs how long the asks of a moment may wait; one length for all */
  constructor(
    ports: { readonly clock: Clock; readonly timers: Timers },
    waitMs: number,
    onLate: (moment: Moment) => void,
  ) {
    this.#clock = ports.clock;
    this.#timers = ports.timers;
    this.#waitMs = waitMs;
    this.#onLate = onLate;
    const now = ports.clock.now();
    this.#latest = { beganAt: now, endedAt: now, openCount: 0 };
  }

  /** The moment that runs. */
  get now(): Moment {
    return this.isRunning ? this.#latest : this.#begin();
  }

  /** The moment that runs, or the last that did: begins none, which halves what a look costs. */
  get latest(): Moment {
    return this.#latest;
  }

  get isRunning(): boolean {
    return this.#latest.endedAt === undefined;
  }

  /** An ask of this moment has its answer. */
  answered(moment: Moment): void {
    if (--moment.openCount === 0 && moment.endedAt !== undefined) this.#rest();
  }

  #begin(): Moment {
    const moment: Moment = { beganAt: this.#clock.now(), endedAt: undefined, openCount: 0 };
    // It may hold the process: an ask of it may be all that is left, and has no timer yet.
    this.#timers.after(MOMENT_MS, () => this.#end(moment));
    // Not before: a timer that met the end of the stack would leave a moment that never ends.
    this.#latest = moment;
    return moment;
  }

  #end(moment: Moment): void {
    moment.endedAt = this.#clock.now();
    if (moment.openCount === 0) return;
    this.#past.push(moment);
    if (this.#timer === undefined) this.#arm(moment.endedAt);
  }

  #arm(endedAt: MonotonicMs): void {
    const delayMs = Math.ceil(Math.max(0, endedAt + this.#waitMs - this.#clock.now()));
    this.#timer = this.#timers.after(delayMs, () => this.#onTimer());
  }

  #onTimer(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (let first = this.#first(); first !== undefined; first = this.#first()) {
      const { endedAt } = first;
      invariant(endedAt !== undefined, "a moment of the past has ended");
      if (endedAt + this.#waitMs > now) {
        this.#arm(endedAt);
        return;
      }
      this.#past.shift();
      this.#onLate(first);
    }
  }

  /** Lets go of the timer, which holds the process, when no ask of the past waits any more. */
  #rest(): void {
    if (this.#first() !== undefined) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The oldest with open asks. */
  #first(): Moment | undefined {
    while (this.#past.peek()?.openCount === 0) this.#past.shift();
    return this.#past.peek();
  }
}
