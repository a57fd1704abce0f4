const PAUSED = 1 << 30;

/** Where the cells of the shared memory are. */
const STATE = 0;
const FIRST_SLOT = 1;

/**
 * A bounded queue between two threads, in the classic form: `put` blocks its thread until there is
 * room, `get` until there is an item. One thread puts, one gets.
 */
export class BlockingQueue {
  readonly memory: SharedArrayBuffer;
  /** First the number of items, and whether taking is paused; then a slot for each item. */
  readonly #cells: Int32Array;
  readonly #capacity: number;
  /** Of the one thread that puts, or of the one that gets. */
  #next = 0;

  constructor(from: { readonly capacity: number } | { readonly memory: SharedArrayBuffer }) {
    this.memory =
      "memory" in from ? from.memory : new SharedArrayBuffer(4 * (FIRST_SLOT + from.capacity));
    this.#cells = new Int32Array(this.memory);
    this.#capacity = this.#cells.length - FIRST_SLOT;
  }

  get isFull(): boolean {
    return (Atomics.load(this.#cells, STATE) & ~PAUSED) === this.#capacity;
  }

  put(item: number): void {
    for (;;) {
      const state = Atomics.load(this.#cells, STATE);
      if ((state & ~PAUSED) === this.#capacity) {
        // The whole thread waits here: its event loop, and every request that it serves.
        Atomics.wait(this.#cells, STATE, state);
        continue;
      }
      Atomics.store(this.#cells, FIRST_SLOT + (this.#next % this.#capacity), item);
      if (this.#change(state, state + 1)) break;
    }
    this.#next++;
  }

  /** `undefined` when nothing came within `waitMs`. */
  get(waitMs: number): number | undefined {
    for (;;) {
      const state = Atomics.load(this.#cells, STATE);
      if ((state & PAUSED) !== 0 || state === 0) {
        if (Atomics.wait(this.#cells, STATE, state, waitMs) === "timed-out") return undefined;
        continue;
      }
      const item = Atomics.load(this.#cells, FIRST_SLOT + (this.#next % this.#capacity));
      if (!this.#change(state, state - 1)) continue;
      this.#next++;
      return item;
    }
  }

  pause(): void {
    Atomics.or(this.#cells, STATE, PAUSED);
  }

  resume(): void {
    Atomics.and(this.#cells, STATE, ~PAUSED);
    Atomics.notify(this.#cells, STATE);
  }

  /** False when the other thread was faster. */
  #change(from: number, to: number): boolean {
    if (Atomics.compareExchange(this.#cells, STATE, from, to) !== from) return false;
    Atomics.notify(this.#cells, STATE);
    return true;
  }
}
