import type { Clock, EpochMs, MonotonicMs, Timer, Timers } from "../../src/core/clock.ts";

/** Far more turns than loading a module takes. */
const TURNS_MAX = 100_000;

interface Pending {
  readonly dueAt: MonotonicMs;
  readonly run: () => void;
}

/**
 * Time for services that wait for each other: `advance` walks from timer to timer and lets
 * everything that one of them set off come to rest before the next, so that a test sees the same
 * order each time. The two clocks start far apart, so that whoever takes one for the other is
 * found out.
 */
export class SteppedClock implements Clock, Timers {
  #now: MonotonicMs = 5_000_000;
  #wallNow: EpochMs = 1_800_000_000_000;
  readonly #pending = new Set<Pending>();
  readonly #soon: (() => void)[] = [];

  /** Timers that are set and have neither run nor been cancelled. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  now(): MonotonicMs {
    return this.#now;
  }

  wallNow(): EpochMs {
    return this.#wallNow;
  }

  after(delayMs: number, run: () => void): Timer {
    const pending: Pending = { dueAt: this.#now + Math.max(0, delayMs), run };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  soon(run: () => void): void {
    this.#soon.push(run);
  }

  /** Lets all promises and turns that are under way come to rest; no time passes. */
  async settle(): Promise<void> {
    await turn();
    while (this.#soon.length > 0) {
      for (const run of this.#soon.splice(0)) run();
      await turn();
    }
  }

  /** Goes on until the promise has settled; it must not need time for that. */
  async until<T>(promise: Promise<T>): Promise<T> {
    const progress = { isOver: false };
    const over = (): void => {
      progress.isOver = true;
    };
    promise.then(over, over);
    await this.settle();
    // What comes from outside, such as a module that is being loaded, takes turns of its own.
    for (let turns = 0; !progress.isOver && turns < TURNS_MAX; turns++) await this.settle();
    if (!progress.isOver) throw new Error("a promise waits for time to pass");
    return promise;
  }

  /** Lets time pass, timer by timer. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.settle();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#moveTo(Math.max(this.#now, next.dueAt));
      this.#pending.delete(next);
      next.run();
      await this.settle();
    }
    this.#moveTo(until);
  }

  /** Lets time pass as if the thread had been frozen: nothing runs in between. */
  freeze(ms: number): void {
    this.#moveTo(this.#now + ms);
  }

  #next(until: MonotonicMs): Pending | undefined {
    let next: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.dueAt <= until && (next === undefined || pending.dueAt < next.dueAt))
        next = pending;
    }
    return next;
  }

  #moveTo(now: MonotonicMs): void {
    this.#wallNow += now - this.#now;
    this.#now = now;
  }
}

/** A turn of the real loop: every promise that can go on has gone on. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
