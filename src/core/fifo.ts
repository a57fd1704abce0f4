/** Taken places that are worth a copy of the rest: each item is then moved once per doubling at most. */
const COMPACT_AT = 1_024;

/**
 * First in, first out, in constant time. `Array.shift` moves everything that is left; an index
 * alone would keep what was taken alive for as long as something waits behind it.
 */
export class Fifo<T> implements Iterable<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The first, which stays. */
  peek(): T | undefined {
    return this.#items[this.#head];
  }

  /** Takes the first. */
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) this.#items = [];
    else if (this.#head < COMPACT_AT || this.#head * 2 < this.#items.length) return item;
    else this.#items = this.#items.slice(this.#head);
    this.#head = 0;
    return item;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let index = this.#head; index < this.#items.length; index++) {
      const item = this.#items[index];
      if (item !== undefined) yield item;
    }
  }
}
