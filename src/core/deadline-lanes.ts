import type { MonotonicMs } from "./clock.ts";

interface Entry<T> {
  readonly at: MonotonicMs;
  readonly item: T;
}

/** Entries before `head` are gone and their places empty, so that what they held can be freed. */
interface Lane<T> {
  entries: (Entry<T> | undefined)[];
  head: number;
}

/**
 * Deadlines without a timer each. Waits of one length end in the order they began, so there is
 * one first-in first-out lane per length, and only the heads need looking at. Adding is O(1);
 * what ended early is skipped by `isOver` when its turn comes.
 */
export class DeadlineLanes<T> {
  readonly #lanes = new Map<number, Lane<T>>();
  readonly #isOver: (item: T) => boolean;

  constructor(isOver: (item: T) => boolean) {
    this.#isOver = isOver;
  }

  add(item: T, lengthMs: number, now: MonotonicMs): void {
    let lane = this.#lanes.get(lengthMs);
    if (lane === undefined) {
      lane = { entries: [], head: 0 };
      this.#lanes.set(lengthMs, lane);
    }
    lane.entries.push({ at: now + lengthMs, item });
    // Drop what is over at the head, so that a steady stream keeps the lane short.
    this.#trim(lane);
  }

  /** Takes everything whose deadline has come and that is not over. */
  due(now: MonotonicMs): T[] {
    const due: T[] = [];
    for (const [lengthMs, lane] of this.#lanes) {
      this.#trim(lane);
      let entry = lane.entries[lane.head];
      while (entry !== undefined && entry.at <= now) {
        if (!this.#isOver(entry.item)) due.push(entry.item);
        lane.entries[lane.head++] = undefined;
        entry = lane.entries[lane.head];
      }
      if (entry === undefined) this.#lanes.delete(lengthMs);
    }
    return due;
  }

  /** When the next deadline comes, or `null` when nothing waits. */
  nextAt(): MonotonicMs | null {
    let next: MonotonicMs | null = null;
    for (const [lengthMs, lane] of this.#lanes) {
      this.#trim(lane);
      const at = lane.entries[lane.head]?.at;
      if (at === undefined) this.#lanes.delete(lengthMs);
      else if (next === null || at < next) next = at;
    }
    return next;
  }

  #trim(lane: Lane<T>): void {
    let entry = lane.entries[lane.head];
    while (entry !== undefined && this.#isOver(entry.item)) {
      lane.entries[lane.head++] = undefined;
      entry = lane.entries[lane.head];
    }
    // Compact rarely: each entry is moved at most once per doubling.
    if (lane.head > 1_024 && lane.head * 2 > lane.entries.length) {
      lane.entries = lane.entries.slice(lane.head);
      lane.head = 0;
    }
  }
}
