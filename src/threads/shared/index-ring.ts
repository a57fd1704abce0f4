/**
 * A ring of numbers for any number of threads, in shared memory. A cell holds a number and the lap
 * in which it was written, in one word, so that one CAS puts a number in: there is no moment
 * between claiming a cell and filling it in which its thread could die. TAIL and HEAD only follow;
 * whoever finds one behind moves it on.
 *
 * A lap comes back after 2^32 places: a thread would have to stand still between two instructions
 * for exactly that many items to be misled.
 */
const LINE_WORDS = 16;

/** Tries to get hold of what `index` stands for, as long as `ring.isFirst(head)`. */
export type Take = (index: number, ring: IndexRing, head: number) => boolean;

const TAIL = 0;
const HEAD = LINE_WORDS;
const CELLS = 2 * LINE_WORDS;

export class IndexRing {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #mask: number;
  readonly #lapShift: number;
  readonly #indexBits: number;
  readonly #indexMask: number;
  readonly #lapMask: number;

  /** `placesBits`: log2 of how many numbers it can hold; numbers are below 2^indexBits. */
  constructor(
    words: Int32Array,
    at: number,
    { placesBits, indexBits }: { readonly placesBits: number; readonly indexBits: number },
  ) {
    this.#words = words;
    this.#at = at;
    this.#mask = 2 ** placesBits - 1;
    this.#lapShift = placesBits;
    this.#indexBits = indexBits;
    this.#indexMask = 2 ** indexBits - 1;
    this.#lapMask = 2 ** (32 - indexBits) - 1;
  }

  static wordsFor(placesBits: number): number {
    return CELLS + 2 ** placesBits;
  }

  /** In memory that is all zeros: the first lap is 1, so that no cell looks written. */
  begin(): void {
    const first = this.#mask + 1;
    Atomics.store(this.#words, this.#at + TAIL, first);
    Atomics.store(this.#words, this.#at + HEAD, first);
  }

  /** Numbers in it, those included that nobody wants any more. */
  get size(): number {
    this.#followTail();
    const tail = Atomics.load(this.#words, this.#at + TAIL);
    return Math.max(0, (tail - Atomics.load(this.#words, this.#at + HEAD)) | 0);
  }

  /** A quick look, which misses a number whose thread died before it moved the tail on. */
  get looksEmpty(): boolean {
    const tail = Atomics.load(this.#words, this.#at + TAIL);
    return tail === Atomics.load(this.#words, this.#at + HEAD);
  }

  /** A quick look whether fewer than `sizeMax` are in it. */
  hasRoom(sizeMax: number): boolean {
    const tail = Atomics.load(this.#words, this.#at + TAIL);
    return ((tail - Atomics.load(this.#words, this.#at + HEAD)) | 0) < sizeMax;
  }

  /** How often something was put in. */
  get tail(): number {
    this.#followTail();
    return Atomics.load(this.#words, this.#at + TAIL);
  }

  /** False when `sizeMax` are in it. */
  push(index: number, sizeMax: number): boolean {
    const words = this.#words;
    const tailAt = this.#at + TAIL;
    for (;;) {
      const tail = Atomics.load(words, tailAt);
      // Read after the tail, so it can only be further than it was then: never too many.
      if (((tail - Atomics.load(words, this.#at + HEAD)) | 0) >= sizeMax) {
        if (this.#isFull(tail, sizeMax)) return false;
        continue;
      }
      const cellAt = this.#cellAt(tail);
      const cell = Atomics.load(words, cellAt);
      const lap = this.#lapOf(tail);
      const behind = (lap - (cell >>> this.#indexBits)) & this.#lapMask;
      if (behind === 1) {
        const filled = (lap << this.#indexBits) | index;
        if (Atomics.compareExchange(words, cellAt, cell, filled) === cell) {
          Atomics.compareExchange(words, tailAt, tail, (tail + 1) | 0);
          return true;
        }
      } else if (behind === 0) {
        // Somebody was faster, and has not moved the tail on, or cannot any more.
        Atomics.compareExchange(words, tailAt, tail, (tail + 1) | 0);
      }
    }
  }

  /**
   * Offers the first number to `take` until one is taken; -1 when the ring is empty. A number that
   * is refused is out of the ring: somebody else had it.
   */
  shift(take: Take): number {
    const words = this.#words;
    const headAt = this.#at + HEAD;
    for (;;) {
      const head = Atomics.load(words, headAt);
      if (head === Atomics.load(words, this.#at + TAIL) && !this.#followTail()) return -1;
      const cell = Atomics.load(words, this.#cellAt(head));
      if (cell >>> this.#indexBits !== this.#lapOf(head)) continue;
      const index = cell & this.#indexMask;
      const isTaken = take(index, this, head);
      Atomics.compareExchange(words, headAt, head, (head + 1) | 0);
      if (isTaken) return index;
    }
  }

  /** Whether `head` is still the first place: what was read of its number since belongs to it. */
  isFirst(head: number): boolean {
    return Atomics.load(this.#words, this.#at + HEAD) === head;
  }

  /** Moves the tail over a number that is in already. */
  #followTail(): boolean {
    const words = this.#words;
    const tail = Atomics.load(words, this.#at + TAIL);
    const cell = Atomics.load(words, this.#cellAt(tail));
    if (cell >>> this.#indexBits !== this.#lapOf(tail)) {
      return tail !== Atomics.load(words, this.#at + HEAD);
    }
    Atomics.compareExchange(words, this.#at + TAIL, tail, (tail + 1) | 0);
    return true;
  }

  /** A tail that was read long ago may be behind the head of now. */
  #isFull(tail: number, sizeMax: number): boolean {
    const head = Atomics.load(this.#words, this.#at + HEAD);
    return Atomics.load(this.#words, this.#at + TAIL) === tail && ((tail - head) | 0) >= sizeMax;
  }

  #cellAt(place: number): number {
    return this.#at + CELLS + (place & this.#mask);
  }

  #lapOf(place: number): number {
    return (place >>> this.#lapShift) & this.#lapMask;
  }
}
