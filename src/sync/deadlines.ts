import type { Clock, MonotonicMs, Timer, Timers } from "../core/clock.ts";
import { TIMER_MS_MAX } from "../core/limits.ts";
import { Line } from "./line.ts";

/** Something that waits. It ends by an answer, or by its deadline. */
export interface TimedWait {
  readonly since: MonotonicMs;
  readonly isWaiting: boolean;
}

/** Lanes that may stand empty before they are looked through. Few programs have that many lengths. */
const SWEEP_AT_MIN = 64;

interface Lane<W> {
  readonly waitMs: number;
  readonly line: Line<W>;
}

/**
 * The deadlines of all waits of one kind, with one timer. Waits of one length end in the order in
 * which they began, so each length has a lane and only the heads are looked at: O(1) and 8 bytes
 * a wait.
 */
export class Deadlines<W extends TimedWait> {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #onLate: (wait: W, waitMs: number) => void;
  readonly #lanes = new Map<number, Lane<W>>();
  /** The lane that was used last: most callers wait the default time. */
  #lane: Lane<W> | undefined;
  #timer: { readonly timer: Timer; readonly at: MonotonicMs } | undefined;
  #openCount = 0;
  #sweepAt = SWEEP_AT_MIN;

  constructor(
    ports: { readonly clock: Clock; readonly timers: Timers },
    onLate: (wait: W, waitMs: number) => void,
  ) {
    this.#clock = ports.clock;
    this.#timers = ports.timers;
    this.#onLate = onLate;
  }

  /** A wait of `waitMs` has begun. `Infinity`: it ends by an answer only. */
  begin(wait: W, waitMs: number): void {
    if (waitMs === Number.POSITIVE_INFINITY) return;
    this.#openCount++;
    const lane = this.#lane?.waitMs === waitMs ? this.#lane : this.#laneOf(waitMs);
    // Drops what is over at the head, so that a steady stream keeps the lane short.
    lane.line.peek();
    lane.line.push(wait);
    this.#armFor(wait.since + waitMs);
  }

  /**
   * A wait of `waitMs` has ended, by an answer or late. The timer, which holds the process, goes
   * with the last that has a deadline: a loop that waits for ever must not keep it for the others.
   */
  end(waitMs: number): void {
    if (waitMs === Number.POSITIVE_INFINITY) return;
    if (--this.#openCount > 0) return;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    // All that stand in the lanes have ended: they would keep what they came to, a lease that is forgotten too.
    this.#lanes.clear();
    this.#lane = undefined;
  }

  #laneOf(waitMs: number): Lane<W> {
    let lane = this.#lanes.get(waitMs);
    if (lane === undefined) {
      if (this.#lanes.size >= this.#sweepAt) this.#sweep();
      lane = { waitMs, line: new Line(({ isWaiting }: W) => isWaiting) };
      this.#lanes.set(waitMs, lane);
    }
    this.#lane = lane;
    return lane;
  }

  #armFor(at: MonotonicMs): void {
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    this.#timer?.timer.cancel();
    const delayMs = Math.min(Math.ceil(Math.max(0, at - this.#clock.now())), TIMER_MS_MAX);
    // The process must not end before those who wait have been told.
    const timer = this.#timers.after(delayMs, () => this.#onTimer(), { keepsAlive: true });
    this.#timer = { timer, at };
  }

  #onTimer(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    let nextAt = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes.values()) {
      for (let wait = lane.line.peek(); wait !== undefined; wait = lane.line.peek()) {
        const at = wait.since + lane.waitMs;
        if (at > now) {
          nextAt = Math.min(nextAt, at);
          break;
        }
        lane.line.shift();
        this.#onLate(wait, lane.waitMs);
      }
      if (lane.line.peek() === undefined) this.#forget(lane);
    }
    // The end of one may have ended another that was looked at before.
    if (this.#openCount > 0 && nextAt !== Number.POSITIVE_INFINITY) this.#armFor(nextAt);
  }

  /** The timer may be far off: what ended before its deadline is looked for when lanes are many. */
  #sweep(): void {
    for (const lane of this.#lanes.values()) {
      if (lane.line.peek() === undefined) this.#forget(lane);
    }
    this.#sweepAt = Math.max(SWEEP_AT_MIN, 2 * this.#lanes.size);
  }

  /** Callers may compute how long they wait, so lanes that are empty must not gather. */
  #forget(lane: Lane<W>): void {
    // It was forgotten with all others meanwhile, and another has its length.
    if (this.#lanes.get(lane.waitMs) !== lane) return;
    this.#lanes.delete(lane.waitMs);
    if (this.#lane === lane) this.#lane = undefined;
  }
}
