import type { Clock, MonotonicMs, Timer, Timers } from "./clock.ts";
import { FullNotice } from "./full-notice.ts";
import { FULL_WAIT_MS_MAX } from "./limits.ts";

/** A queue as its log lines show it, asked at the moment when one is written. */
export interface FillableQueue {
  readonly name: string;
  readonly capacity: number;
  /** Since when the first of those waits who wait for room; `undefined` while nobody does. */
  readonly waitingSince: MonotonicMs | undefined;
  readonly waiterCount: number;
  /** What overflow policies dropped so far. */
  readonly droppedCount: number;
}

/**
 * What the log says of a full queue: only what somebody should look into. That producers are held
 * up for a moment is what a capacity is for; that they are refused, lose something, or wait for
 * longer than back-pressure should take is not.
 */
export class FullLog {
  readonly #queue: FillableQueue;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #warn: (fields: object, message: string) => void;
  readonly #line: FullNotice;
  /** Set while callers wait for room. */
  #timer: Timer | undefined;

  constructor(options: {
    readonly queue: FillableQueue;
    readonly clock: Clock;
    readonly timers: Timers;
    /** What the queue holds, in the plural. */
    readonly things: string;
    readonly warn: (fields: object, message: string) => void;
  }) {
    const { queue, clock, things, warn } = options;
    this.#queue = queue;
    this.#clock = clock;
    this.#timers = options.timers;
    this.#warn = warn;
    this.#line = new FullNotice(clock, (fullness) => {
      const fields = { ...fullness, droppedCount: queue.droppedCount };
      warn(fields, `a queue is full; callers are refused or ${things} dropped`);
    });
  }

  /** Somebody was refused, at once or at his deadline, or something was dropped. At most a line a second. */
  turnedAway(): void {
    this.#line.note(this.#queue.name, this.#queue.capacity);
  }

  /** Somebody has begun to wait for room. */
  waiting(): void {
    if (this.#timer === undefined) this.#look(FULL_WAIT_MS_MAX);
  }

  /** Somebody waits no more. */
  left(): void {
    if (this.#timer === undefined || this.#queue.waiterCount > 0) return;
    this.#timer.cancel();
    this.#timer = undefined;
  }

  #look(delayMs: number): void {
    // A line in the log is no reason to hold the process.
    const how = { keepsAlive: false, repeats: true };
    this.#timer = this.#timers.after(delayMs, () => this.#onTimer(), how);
  }

  #onTimer(): void {
    this.#timer = undefined;
    const { name: queue, capacity, waitingSince, waiterCount, droppedCount } = this.#queue;
    // Making a timer runs hooks of the user's, which may have ended the wait that it was made for.
    if (waitingSince === undefined) return;
    const waitedMs = Math.round(this.#clock.now() - waitingSince);
    const isLong = waitedMs >= FULL_WAIT_MS_MAX;
    this.#look(isLong ? FULL_WAIT_MS_MAX : FULL_WAIT_MS_MAX - waitedMs);
    if (!isLong) return;
    const fields = { queue, capacity, waitedMs, waiterCount, droppedCount };
    this.#warn(fields, "a queue stays full; callers wait for room");
  }
}
