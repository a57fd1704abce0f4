import type { Clock, EpochMs, MonotonicMs, Timer, TimerOptions, Timers } from "../core/clock.ts";
import { WAKE_MS } from "../core/limits.ts";
import { invalid } from "../core/options.ts";
import { realTimers } from "./real-timers.ts";

/** A hundred years: more is a date that was passed for a duration. */
const ADVANCE_MS_MAX = 3_155_760_000_000;
/**
 * The largest step while leases must be renewed, and for a while after an instant that matters, so
 * that what became due is found about as soon as it would be on a real clock.
 */
const STEP_MS = WAKE_MS;
const ATTENTION_MS = 2 * STEP_MS;

interface Pending {
  readonly dueAt: MonotonicMs;
  readonly order: number;
  readonly run: () => void;
  readonly repeats: boolean;
}

/** What the clock asks an app that lives by it; not for users. */
export interface Follower {
  /** Whether time must pass in small steps now, because attempts hold leases. */
  isBusy(): Promise<boolean>;
  /** The next instant after `now` at which a stored job changes by itself; `null` when none does. */
  nextInstant(now: EpochMs): EpochMs | null;
}

/**
 * Time that moves only when a test says so, for an app made by `openTest`: retries, delays,
 * expiry, leases, retention and time-outs happen without waiting. Your own code can take the time
 * from it too, by `wallNow()`.
 *
 * Regular duties that would find nothing are left out, so that a month costs no more than a
 * minute; while a handler runs, time passes in steps of a second (a day takes some seconds).
 *
 * @example
 * import { task } from "unjam";
 * import { ManualClock, openTest } from "unjam/testing";
 * const remind = task("remind", {}, async () => "reminded");
 * const clock = new ManualClock({ startAt: Date.UTC(2030, 0, 1) });
 * const test = await openTest({ tasks: [remind], clock });
 * const job = await test.app.enqueue(remind, {}, { delayMs: 86_400_000 });
 * await clock.advance(86_400_000);
 * console.log(await job.result(), new Date(clock.wallNow()).toISOString());
 * await test.close();
 */
export class ManualClock implements Clock, Timers {
  /** Far from the wall clock, so that whoever takes one for the other is found out. */
  #now: MonotonicMs = 5_000_000;
  #wallNow: EpochMs;
  readonly #pending = new Set<Pending>();
  readonly #followers = new Set<Follower>();
  #timerCount = 0;
  #soonCount = 0;
  #attentiveUntil: MonotonicMs = 0;
  #moving: Promise<void> = Promise.resolve();

  /** @param options `startAt` is the first date that it shows; by default the machine's. */
  constructor(options: { readonly startAt?: Date | EpochMs } = {}) {
    this.#wallNow = Math.round(Number(options.startAt ?? Date.now()));
    if (!Number.isFinite(this.#wallNow) || this.#wallNow < 0) {
      const wanted = "a Date or milliseconds since 1970";
      throw invalid("startAt", "ManualClock", wanted, options.startAt);
    }
  }

  /** The date that it shows, in ms since 1970. */
  wallNow(): EpochMs {
    return this.#wallNow;
  }

  /** Monotonic time, as the runtime measures durations. */
  now(): MonotonicMs {
    return this.#now;
  }

  /**
   * Moves time forward by `ms`, 0 to a hundred years, stopping at each instant at which something
   * is due, and resolves when all that follows from it has come to rest: due jobs have been
   * started, and handlers that wait for nothing outside have ended. It does not wait for
   * handlers that wait for a real disk, network or timer: they see time pass under them. Moves
   * that overlap are made one after the other.
   */
  advance(ms: number): Promise<void> {
    if (typeof ms !== "number" || !(ms >= 0 && ms <= ADVANCE_MS_MAX)) {
      const wanted = `a number of milliseconds from 0 to ${ADVANCE_MS_MAX}`;
      return Promise.reject(invalid("ms", "clock.advance()", wanted, ms));
    }
    const moved = this.#moving.then(() => this.#moveBy(ms));
    this.#moving = moved.catch(() => undefined);
    return moved;
  }

  /** Resolves when nothing is left to do at this moment, but for what waits for the world outside. */
  async rest(): Promise<void> {
    do await new Promise<void>((resolve) => realTimers.soon(resolve));
    while (this.#soonCount > 0);
  }

  /** Calls `run` when time was moved by `delayMs` or more. */
  after(delayMs: number, run: () => void, options?: TimerOptions): Timer {
    const dueAt = this.#now + Math.max(0, delayMs);
    const repeats = options?.repeats === true;
    const pending: Pending = { dueAt, order: this.#timerCount++, run, repeats };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** Calls `run` in a turn of its own. */
  soon(run: () => void): void {
    this.#soonCount++;
    realTimers.soon(() => {
      this.#soonCount--;
      run();
    });
  }

  /** Takes an app's word for where it is worth to stop, until the answer is called; not for users. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  async #moveBy(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.#runDue();
    while (this.#now < until) {
      const stop = await this.#nextStop(until);
      this.#wallNow += stop - this.#now;
      this.#now = stop;
      await this.#runDue();
    }
  }

  /** What is due, one call after the other, each with all that follows from it. */
  async #runDue(): Promise<void> {
    await this.rest();
    for (let due = this.#firstDue(); due !== undefined; due = this.#firstDue()) {
      this.#pending.delete(due);
      due.run();
      await this.rest();
    }
  }

  #firstDue(): Pending | undefined {
    let first: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.dueAt > this.#now) continue;
      if (first === undefined || isBefore(pending, first)) first = pending;
    }
    return first;
  }

  /** The next moment that cannot be left out, at the latest `until`. */
  async #nextStop(until: MonotonicMs): Promise<MonotonicMs> {
    const isSlow = this.#now < this.#attentiveUntil || (await this.#isBusy());
    let stop = isSlow ? Math.min(until, this.#now + STEP_MS) : until;
    for (const { dueAt, repeats } of this.#pending) if (!repeats && dueAt < stop) stop = dueAt;
    for (const follower of this.#followers) {
      const instant = follower.nextInstant(this.#wallNow);
      if (instant === null) continue;
      const at = this.#now + (instant - this.#wallNow);
      if (at > stop) continue;
      stop = at;
      this.#attentiveUntil = at + ATTENTION_MS;
    }
    return stop;
  }

  async #isBusy(): Promise<boolean> {
    for (const follower of this.#followers) if (await follower.isBusy()) return true;
    return false;
  }
}

function isBefore(a: Pending, b: Pending): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}
