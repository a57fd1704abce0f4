import type { Clock, Timers } from "../core/clock.ts";
import { CONSUME_TURN_MS_MAX } from "../core/limits.ts";
import type { Moments } from "./moments.ts";

/** Items between two looks at the clock: few while each takes long, more while they are short. */
const STRIDE_MIN = 1;
const STRIDE_MAX = 256;

/**
 * Gives the loop back now and then. While there is always a next item, continuations follow each
 * other without end and no timer, no I/O gets its turn; so after CONSUME_TURN_MS_MAX all slots of a
 * queue wait for the next turn together.
 */
export class Breather {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #moments: Moments;
  #stride = STRIDE_MIN;
  #itemsToLook = STRIDE_MIN;
  #turnBeganAt = 0;
  #lookedAt = 0;
  #breath: Promise<void> | undefined;

  constructor(
    { clock, timers }: { readonly clock: Clock; readonly timers: Timers },
    moments: Moments,
  ) {
    this.#clock = clock;
    this.#timers = timers;
    this.#moments = moments;
  }

  /**
   * Call it before each item: a promise for the next turn when this one has lasted long enough. A
   * moment runs after it, and again when that promise resolves.
   */
  next(): Promise<void> | undefined {
    const isStride = --this.#itemsToLook > 0 && this.#moments.isRunning;
    return isStride ? this.#breath : this.#look();
  }

  #look(): Promise<void> | undefined {
    void this.#moments.now;
    const now = this.#clock.now();
    const isShort = now - this.#lookedAt < CONSUME_TURN_MS_MAX / 16;
    this.#lookedAt = now;
    this.#stride = isShort ? Math.min(STRIDE_MAX, 2 * this.#stride) : STRIDE_MIN;
    this.#itemsToLook = this.#stride;
    if (this.#breath === undefined && now - this.#turnBeganAt > CONSUME_TURN_MS_MAX) this.#begin();
    return this.#breath;
  }

  #begin(): void {
    this.#breath = new Promise((resolve) => {
      this.#timers.soon(() => {
        this.#breath = undefined;
        this.#turnBeganAt = this.#clock.now();
        void this.#moments.now;
        resolve();
      });
    });
  }
}
