import type { MonotonicMs } from "./clock.ts";
import { Fifo } from "./fifo.ts";

interface Entry<T> {
  readonly at: MonotonicMs;
  readonly item: T;
}

/**
 * Deadlines without a timer each. Waits of one length end in the order they began, so there is
 * one first-in first-out lane per length, and only the heads need looking at. Adding is O(1);
 * what ended early is skipped by `isOver` when its turn comes.
 */
export class DeadlineLanes<T> {
  readonly #lanes = new Map<number, Fifo<Entry<T>>>();
  readonly #isOver: (item: T) => boolean;

  constructor(isOver: (item: T) => boolean) {
    this.#isOver = isOver;
  }

  add(item: T, lengthMs: number, now: MonotonicMs): void {
    let lane = this.#lanes.get(lengthMs);
    if (lane === undefined) {
      lane = new Fifo();
      this.#lanes.set(lengthMs, lane);
    }
    lane.push({ at: now + lengthMs, item });
    // Drop what is over at the head, so that a steady stream keeps the lane short.
    this.#trim(lane);
  }

  /** Takes everything whose deadline has come and that is not over. */
  due(now: MonotonicMs): T[] {
    const due: T[] = [];
    for (const [lengthMs, lane] of this.#lanes) {
      this.#trim(lane);
      for (let entry = lane.peek(); entry !== undefined && entry.at <= now; entry = lane.peek()) {
        if (!this.#isOver(entry.item)) due.push(entry.item);
        lane.shift();
      }
      if (lane.size === 0) this.#lanes.delete(lengthMs);
    }
    return due;
  }

  /** When the next deadline comes, or `null` when nothing waits. */
  nextAt(): MonotonicMs | null {
    let next: MonotonicMs | null = null;
    for (const [lengthMs, lane] of this.#lanes) {
      this.#trim(lane);
      const at = lane.peek()?.at;
      if (at === undefined) this.#lanes.delete(lengthMs);
      else if (next === null || at < next) next = at;
    }
    return next;
  }

  #trim(lane: Fifo<Entry<T>>): void {
    for (let entry = lane.peek(); entry !== undefined; entry = lane.peek()) {
      if (!this.#isOver(entry.item)) return;
      lane.shift();
    }
  }
}
