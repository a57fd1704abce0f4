import { emptyPlaces } from "./empty-places.ts";

/** Places of an empty table. A power of two, as all sizes here, so that an index wraps by a mask. */
const PLACES_MIN = 16;
/** Places that are kept when the table runs empty, because they will be needed again. */
const PLACES_KEPT = 2_048;
/** 2^32 divided by the golden ratio: spreads keys that follow each other (Knuth, TAOCP 3, 6.4). */
const GOLDEN = 0x9e3779b1;
const TWO_POW_32 = 2 ** 32;

/**
 * A map from numbers for what comes and goes all the time. JavaScript's `Map` leaves its old table
 * behind at each rehash, linked to the new one; once one of them has grown old, everything that
 * passes through the map stays in memory until the next full collection, and each young collection
 * copies it: half of all short-lived objects here, and pauses of 3-6 ms.
 *
 * Open addressing with linear probing, at most half full; removal moves what follows back, so that
 * there are no graves (Knuth, TAOCP 3, 6.4, algorithm R). Has no order, and must not change while
 * it is walked. `undefined` is no value.
 */
export class NumberMap<T extends object | string | number | boolean> {
  #keys: Float64Array = new Float64Array(PLACES_MIN);
  #values: (T | undefined)[] = emptyPlaces(PLACES_MIN);
  #mask = PLACES_MIN - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): T | undefined {
    return this.#values[this.#placeOf(key)];
  }

  has(key: number): boolean {
    return this.get(key) !== undefined;
  }

  set(key: number, value: T): void {
    let place = this.#placeOf(key);
    if (this.#values[place] === undefined) {
      if (2 * ++this.#size > this.#mask) {
        this.#grow();
        place = this.#placeOf(key);
      }
      this.#keys[place] = key;
    }
    this.#values[place] = value;
  }

  /** False when the key is not there. */
  delete(key: number): boolean {
    let hole = this.#placeOf(key);
    if (this.#values[hole] === undefined) return false;
    if (--this.#size === 0 && this.#mask >= PLACES_KEPT) {
      this.#clear();
      return true;
    }
    for (let place = (hole + 1) & this.#mask; ; place = (place + 1) & this.#mask) {
      const value = this.#values[place];
      if (value === undefined) break;
      const mover = this.#keys[place] ?? 0;
      // It may move back into the hole, unless its home lies behind the hole.
      const distance = (place - this.#homeOf(mover)) & this.#mask;
      if (distance < ((place - hole) & this.#mask)) continue;
      this.#keys[hole] = mover;
      this.#values[hole] = value;
      hole = place;
    }
    this.#values[hole] = undefined;
    return true;
  }

  *values(): Generator<T, void> {
    for (const value of this.#values) if (value !== undefined) yield value;
  }

  *keys(): Generator<number, void> {
    for (const [place, value] of this.#values.entries()) {
      if (value !== undefined) yield this.#keys[place] ?? 0;
    }
  }

  /** Where the key is, or the place that it would take. */
  #placeOf(key: number): number {
    let place = this.#homeOf(key);
    while (this.#values[place] !== undefined && this.#keys[place] !== key) {
      place = (place + 1) & this.#mask;
    }
    return place;
  }

  #homeOf(key: number): number {
    const bits = (key >>> 0) ^ (key / TWO_POW_32);
    const spread = Math.imul(bits, GOLDEN);
    return (spread ^ (spread >>> 15)) & this.#mask;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Float64Array(2 * keys.length);
    this.#values = emptyPlaces(2 * keys.length);
    this.#mask = this.#keys.length - 1;
    for (let old = 0; old < keys.length; old++) {
      const value = values[old];
      if (value === undefined) continue;
      const key = keys[old] ?? 0;
      const place = this.#placeOf(key);
      this.#keys[place] = key;
      this.#values[place] = value;
    }
  }

  #clear(): void {
    this.#keys = new Float64Array(PLACES_MIN);
    this.#values = emptyPlaces(PLACES_MIN);
    this.#mask = PLACES_MIN - 1;
  }
}
