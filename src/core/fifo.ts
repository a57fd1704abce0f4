import { emptyPlaces } from "./empty-places.ts";

/** Places of an empty line. A power of two, as all sizes here, so that an index wraps by a mask. */
const PLACES_MIN = 16;

/**
 * First in, first out, in constant time, in a ring that grows as needed and lets go of what it
 * does not need any more when it runs empty. `Array.shift` moves everything that is left.
 */
export class Fifo<T> implements Iterable<T> {
  #places: (T | undefined)[] = emptyPlaces(PLACES_MIN);
  #mask = PLACES_MIN - 1;
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    if (this.#size > this.#mask) this.#grow();
    this.#places[(this.#head + this.#size) & this.#mask] = item;
    this.#size++;
  }

  /** Puts one before all others. */
  unshift(item: T): void {
    if (this.#size > this.#mask) this.#grow();
    this.#head = (this.#head - 1) & this.#mask;
    this.#places[this.#head] = item;
    this.#size++;
  }

  /** The first, which stays. */
  peek(): T | undefined {
    return this.#places[this.#head];
  }

  /** Takes the first. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#places[this.#head];
    this.#places[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    if (--this.#size === 0 && this.#mask > LARGE_MASK) this.#clear();
    return item;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let index = 0; index < this.#size; index++) {
      const item = this.#places[(this.#head + index) & this.#mask];
      if (item !== undefined) yield item;
    }
  }

  #grow(): void {
    const places = emptyPlaces<T>(2 * this.#places.length);
    for (let index = 0; index < this.#size; index++) {
      places[index] = this.#places[(this.#head + index) & this.#mask];
    }
    this.#places = places;
    this.#mask = places.length - 1;
    this.#head = 0;
  }

  #clear(): void {
    this.#places = emptyPlaces(PLACES_MIN);
    this.#mask = PLACES_MIN - 1;
    this.#head = 0;
  }
}

/** 8 KiB: a ring up to this size is kept when it runs empty, because it will be needed again. */
const LARGE_MASK = 1_023;
