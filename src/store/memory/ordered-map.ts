import { invariant } from "../../core/invariant.ts";

/** Large enough that the array of chunks stays short, small enough that moving a half is nothing. */
const CHUNK_LENGTH_MAX = 128;

/** Neighbouring entries: `values[n]` belongs to `keys[n]`, and the keys ascend. */
interface Chunk<V> {
  readonly keys: number[];
  readonly values: V[];
}

/**
 * Values by whole number, in ascending order.
 *
 * Queues are used at their ends: new keys are the largest and the smallest leave first, now and
 * then one comes back to its old place or leaves from the middle. Entries therefore stand in
 * chunks of neighbours, and the chunks in one sorted array: adding and removing anywhere takes
 * two binary searches and moves at most one chunk's entries.
 */
export class OrderedMap<V> {
  /** Never two empty ones; an only one may be empty, so that going from 0 to 1 and back is cheap. */
  readonly #chunks: Chunk<V>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): V | undefined {
    const chunk = this.#chunks[this.#chunkIndex(key)];
    if (chunk === undefined) return undefined;
    const slot = lowerBound(chunk.keys, key);
    return chunk.keys[slot] === key ? chunk.values[slot] : undefined;
  }

  /** @param key one that the map does not hold yet. */
  add(key: number, value: V): void {
    const at = this.#chunkIndex(key);
    const { keys, values } = this.#chunks[at] ?? this.#addChunk(0, { keys: [], values: [] });
    const slot = lowerBound(keys, key);
    invariant(keys[slot] !== key, "a key is added to a map once");
    this.#size++;
    if (slot === CHUNK_LENGTH_MAX && at === this.#chunks.length - 1) {
      // The common way to grow: a full last chunk stays full.
      this.#addChunk(at + 1, { keys: [key], values: [value] });
      return;
    }
    keys.splice(slot, 0, key);
    values.splice(slot, 0, value);
    if (keys.length > CHUNK_LENGTH_MAX) {
      const half = CHUNK_LENGTH_MAX / 2;
      this.#addChunk(at + 1, { keys: keys.splice(half), values: values.splice(half) });
    }
  }

  /** @param key one that the map holds. */
  remove(key: number): void {
    const at = this.#chunkIndex(key);
    const { keys, values } = this.#chunks[at] ?? { keys: [], values: [] };
    const slot = lowerBound(keys, key);
    invariant(keys[slot] === key, "only a key that is there leaves a map");
    this.#size--;
    removeAt(keys, slot);
    removeAt(values, slot);
    if (keys.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1);
  }

  /** The values whose key is greater, ascending. Change the map only when you are through. */
  *valuesAfter(key: number): Generator<V> {
    for (let at = this.#chunkIndex(key); at < this.#chunks.length; at++) {
      const { keys, values } = this.#chunks[at] ?? { keys: [], values: [] };
      for (let slot = lowerBound(keys, key + 1); slot < values.length; slot++) {
        const value = values[slot];
        if (value !== undefined) yield value;
      }
    }
  }

  #addChunk(at: number, chunk: Chunk<V>): Chunk<V> {
    this.#chunks.splice(at, 0, chunk);
    return chunk;
  }

  /** Index of the chunk that holds `key`, or would: the last one that does not start after it. */
  #chunkIndex(key: number): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    // Both ends first: nearly every call is for one of them.
    if (high <= 0 || this.#startsAfter(1, key)) return 0;
    if (!this.#startsAfter(high, key)) return high;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#startsAfter(middle, key)) high = middle;
      else low = middle;
    }
    return low;
  }

  #startsAfter(at: number, key: number): boolean {
    const first = this.#chunks[at]?.keys[0];
    return first !== undefined && first > key;
  }
}

/** Index of the first key that is not below `key`. */
function lowerBound(keys: readonly number[], key: number): number {
  const last = keys.at(-1);
  if (last === undefined || last < key) return keys.length;
  let low = 0;
  let high = keys.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? 0) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Like splice at either end, which is where most entries leave, but without making an array. */
function removeAt(items: unknown[], index: number): void {
  if (index === 0) items.shift();
  else if (index === items.length - 1) items.pop();
  else items.splice(index, 1);
}
