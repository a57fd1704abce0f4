import type { Clock, MonotonicMs, Timer, Timers } from "../core/clock.ts";
import { LOOP_BEAT_MS, LOOP_BLOCKED_MS } from "../core/limits.ts";

/** The loop did not turn between two beats for longer than LOOP_BLOCKED_MS. */
export interface LateBeat {
  readonly from: MonotonicMs;
  readonly to: MonotonicMs;
}

/** One number in shared memory: when the main loop last turned; 0 while nothing runs on it. */
export function newBeatMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
}

export function readBeat(memory: SharedArrayBuffer): number {
  return new Float64Array(memory)[0] ?? 0;
}

/**
 * Shows in shared memory that the main loop turns, as long as handlers run on it. An idle app
 * beats not at all: nobody would be to blame for a block then.
 */
export class LoopBeat {
  readonly #cell: Float64Array;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #isBusy: () => boolean;
  readonly #onStart: () => void;
  readonly #onBeat: (late: LateBeat | undefined) => void;
  #last: MonotonicMs = 0;
  #timer: Timer | undefined;

  constructor(
    memory: SharedArrayBuffer,
    ports: {
      readonly clock: Clock;
      readonly timers: Timers;
      readonly isBusy: () => boolean;
      readonly onStart: () => void;
      /** Each beat but the first, at its very beginning; with what was late about it. */
      readonly onBeat: (late: LateBeat | undefined) => void;
    },
  ) {
    this.#cell = new Float64Array(memory);
    this.#clock = ports.clock;
    this.#timers = ports.timers;
    this.#isBusy = ports.isBusy;
    this.#onStart = ports.onStart;
    this.#onBeat = ports.onBeat;
  }

  /** A handler has started: beat until none runs. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#beat();
    this.#onStart();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#cell[0] = 0;
  }

  #beat(): void {
    const from = this.#last;
    const to = this.#clock.now();
    this.#last = to;
    if (this.#timer !== undefined) {
      this.#onBeat(to - from - LOOP_BEAT_MS > LOOP_BLOCKED_MS ? { from, to } : undefined);
      if (!this.#isBusy()) {
        this.stop();
        return;
      }
    }
    this.#cell[0] = to;
    this.#timer = this.#timers.after(LOOP_BEAT_MS, () => this.#beat(), { repeats: true });
  }
}
