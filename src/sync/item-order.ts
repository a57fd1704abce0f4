import { Fifo } from "../core/fifo.ts";
import { invariant } from "../core/invariant.ts";
import type { Item } from "./item.ts";
import { Line } from "./line.ts";

/**
 * In which order items leave: as they came, the newest first, or the lowest rank first, and of one
 * rank as they came. `by` is called once for each value, when it is put. It must return a number
 * that is not NaN, else the put is refused with UNJAM_INVALID_OPTION.
 */
export type Order<T> = "fifo" | "lifo" | { readonly by: (value: T) => number };

/**
 * The queued items in their order. It never calls user code: a rank is worked out once, before the
 * item is let in. Items that were dropped while they waited are skipped.
 */
export interface ItemOrder<T> {
  push(item: Item<T>, rank: number): void;
  /** Puts one back where it is taken next. */
  unshift(item: Item<T>): void;
  /** Takes the next. */
  shift(): Item<T> | undefined;
  /** The one that has waited longest, which stays. */
  oldest(): Item<T> | undefined;
  /** One of them was dropped. Dropped items must not gather behind one that stays. */
  dropped(): void;
  all(): Item<T>[];
}

export function itemOrder<T>(order: Order<T>): ItemOrder<T> {
  if (order === "fifo") return new FifoOrder();
  return order === "lifo" ? new LifoOrder() : new RankOrder();
}

/** Places of dropped items that may stand among the others, or as many as those are. */
const DROPPED_MAX = 1_024;

function isQueued(item: Item<unknown>): boolean {
  return item.phase === "queued";
}

/** Written out instead of made of a `Line`: this is the path of every item of most queues. */
class FifoOrder<T> implements ItemOrder<T> {
  #items = new Fifo<Item<T>>();
  /** Of the places, those whose item was dropped. */
  #droppedCount = 0;

  push(item: Item<T>): void {
    this.#items.push(item);
  }

  unshift(item: Item<T>): void {
    this.#items.unshift(item);
  }

  shift(): Item<T> | undefined {
    let item = this.#items.shift();
    while (item !== undefined && item.phase !== "queued") {
      this.#droppedCount--;
      item = this.#items.shift();
    }
    return item;
  }

  oldest(): Item<T> | undefined {
    let item = this.#items.peek();
    while (item !== undefined && item.phase !== "queued") {
      this.#droppedCount--;
      this.#items.shift();
      item = this.#items.peek();
    }
    return item;
  }

  dropped(): void {
    this.#droppedCount++;
    if (this.#droppedCount <= DROPPED_MAX || 2 * this.#droppedCount <= this.#items.size) return;
    const left = this.all();
    this.#items = new Fifo();
    this.#droppedCount = 0;
    for (const item of left) this.#items.push(item);
  }

  all(): Item<T>[] {
    return [...this.#items].filter(isQueued);
  }
}

class LifoOrder<T> implements ItemOrder<T> {
  #items: Item<T>[] = [];
  /** Those before it were dropped: each is passed once. */
  #oldestAt = 0;
  #clearAt = DROPPED_MAX;

  push(item: Item<T>): void {
    this.#items.push(item);
  }

  unshift(item: Item<T>): void {
    this.#items.push(item);
  }

  shift(): Item<T> | undefined {
    for (;;) {
      const last = this.#items.pop();
      if (this.#oldestAt > this.#items.length) this.#oldestAt = this.#items.length;
      if (last === undefined || isQueued(last)) return last;
    }
  }

  oldest(): Item<T> | undefined {
    let item = this.#items[this.#oldestAt];
    while (item !== undefined && !isQueued(item)) item = this.#items[++this.#oldestAt];
    return item;
  }

  dropped(): void {
    if (this.#items.length < this.#clearAt) return;
    this.#items = this.all();
    this.#oldestAt = 0;
    this.#clearAt = Math.max(DROPPED_MAX, 2 * this.#items.length);
  }

  all(): Item<T>[] {
    return this.#items.filter(isQueued);
  }
}

interface Ranked<T> {
  readonly item: Item<T>;
  readonly rank: number;
  /** Among equal ranks the first to come is the first to go; what was put back comes before all. */
  readonly arrival: number;
  /** Until it is taken. Its item may come back, in a place of its own. */
  isIn: boolean;
}

/** A binary heap: the parent of `n` is `(n - 1) >> 1`, and never comes after it. */
class RankOrder<T> implements ItemOrder<T> {
  #heap: Ranked<T>[] = [];
  #clearAt = DROPPED_MAX;
  readonly #ranks = new WeakMap<Item<T>, number>();
  #arrivals = 0;
  /** All in the order of their arrival, once somebody has asked for the oldest: most never do. */
  #byAge: Line<Ranked<T>> | undefined;

  push(item: Item<T>, rank: number): void {
    this.#ranks.set(item, rank);
    const ranked = { item, rank, arrival: ++this.#arrivals, isIn: true };
    this.#add(ranked);
    this.#byAge?.push(ranked);
  }

  unshift(item: Item<T>): void {
    const rank = this.#ranks.get(item);
    invariant(rank !== undefined, "what is put back was let in before, with its rank");
    const ranked = { item, rank, arrival: -++this.#arrivals, isIn: true };
    this.#add(ranked);
    this.#byAge?.unshift(ranked);
  }

  shift(): Item<T> | undefined {
    for (;;) {
      const first = this.#pop();
      if (first === undefined) return undefined;
      first.isIn = false;
      if (isQueued(first.item)) return first.item;
    }
  }

  oldest(): Item<T> | undefined {
    this.#byAge ??= this.#sortedByAge();
    return this.#byAge.peek()?.item;
  }

  /** A sorted array is a heap. */
  dropped(): void {
    if (this.#heap.length < this.#clearAt) return;
    this.#heap = this.#sorted();
    this.#clearAt = Math.max(DROPPED_MAX, 2 * this.#heap.length);
  }

  all(): Item<T>[] {
    return this.#sorted().map(({ item }) => item);
  }

  #sortedByAge(): Line<Ranked<T>> {
    const line = new Line<Ranked<T>>(({ isIn, item }) => isIn && isQueued(item));
    for (const ranked of this.#heap.toSorted((a, b) => a.arrival - b.arrival)) line.push(ranked);
    return line;
  }

  #sorted(): Ranked<T>[] {
    return this.#heap
      .filter(({ item }) => isQueued(item))
      .toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #add(added: Ranked<T>): void {
    const heap = this.#heap;
    let at = heap.push(added) - 1;
    for (let up = (at - 1) >> 1; at > 0; at = up, up = (at - 1) >> 1) {
      const parent = heap[up];
      if (parent === undefined || isBefore(parent, added)) break;
      heap[at] = parent;
      heap[up] = added;
    }
  }

  #pop(): Ranked<T> | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let at = 0; ;) {
      const down = this.#lowerChild(at);
      const child = heap[down];
      if (child === undefined || isBefore(last, child)) return first;
      heap[at] = child;
      heap[down] = last;
      at = down;
    }
  }

  #lowerChild(at: number): number {
    const [left, right] = [2 * at + 1, 2 * at + 2];
    const [a, b] = [this.#heap[left], this.#heap[right]];
    return a !== undefined && b !== undefined && isBefore(b, a) ? right : left;
  }
}

function isBefore<T>(a: Ranked<T>, b: Ranked<T>): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.arrival < b.arrival);
}
