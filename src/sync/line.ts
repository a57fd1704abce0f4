import { Fifo } from "../core/fifo.ts";

/** Places of those who left that may stand in a line before it is cleared. */
const LEFT_MAX = 1_024;

/**
 * First come, first served, where some leave before their turn. Leaving costs nothing: who is not
 * `isIn` any more is skipped, and when too many of them stand in the line it is made anew, so that
 * one who stays does not keep the places of all who left behind him.
 */
export class Line<T> {
  readonly #isIn: (item: T) => boolean;
  #fifo = new Fifo<T>();
  #clearAt = LEFT_MAX;

  constructor(isIn: (item: T) => boolean) {
    this.#isIn = isIn;
  }

  push(item: T): void {
    this.#fifo.push(item);
    if (this.#fifo.size > this.#clearAt) this.#clear();
  }

  /** Puts one before all others. */
  unshift(item: T): void {
    this.#fifo.unshift(item);
    if (this.#fifo.size > this.#clearAt) this.#clear();
  }

  /** The first who is in, and stays. */
  peek(): T | undefined {
    for (;;) {
      const first = this.#fifo.peek();
      if (first === undefined || this.#isIn(first)) return first;
      this.#fifo.shift();
    }
  }

  /** Takes the first who is in. */
  shift(): T | undefined {
    for (;;) {
      const first = this.#fifo.shift();
      if (first === undefined || this.#isIn(first)) return first;
    }
  }

  /** Those who are in, in order. A copy: the line may change while it is read. */
  all(): T[] {
    return [...this.#fifo].filter((item) => this.#isIn(item));
  }

  #clear(): void {
    const left = this.all();
    this.#fifo = new Fifo();
    for (const item of left) this.#fifo.push(item);
    this.#clearAt = Math.max(LEFT_MAX, 2 * left.length);
  }
}
