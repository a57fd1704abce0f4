import { invariant } from "../../core/invariant.ts";

/** How a heap sorts, and where it notes an item's index, so that any item can leave again. */
export interface HeapOrder<T> {
  isBefore(a: T, b: T): boolean;
  /** Called whenever an item comes to stand at `index`. */
  moved(item: T, index: number): void;
}

/**
 * A binary heap whose items know their index. Adding, removing any item and following a changed
 * sort value take O(log n); nothing is left behind that a later call would have to sweep up.
 */
export class Heap<T> {
  readonly #order: HeapOrder<T>;
  readonly #items: T[] = [];

  constructor(order: HeapOrder<T>) {
    this.#order = order;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The smallest item, which stays. */
  first(): T | undefined {
    return this.#items[0];
  }

  add(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  /** @param index where `moved` last said that the item stands. */
  remove(item: T, index: number): void {
    invariant(this.#items[index] === item, "a heap item stands where it was last moved to");
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#settle(last, index);
  }

  /** Finds the item's new place after its sort value changed. */
  resort(item: T, index: number): void {
    invariant(this.#items[index] === item, "a heap item stands where it was last moved to");
    this.#settle(item, index);
  }

  #settle(item: T, index: number): void {
    const parent = this.#items[(index - 1) >> 1];
    if (index > 0 && parent !== undefined && this.#order.isBefore(item, parent)) {
      this.#rise(item, index);
    } else {
      this.#sink(item, index);
    }
  }

  #rise(item: T, from: number): void {
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#items[parentIndex];
      if (parent === undefined || !this.#order.isBefore(item, parent)) break;
      this.#put(parent, index);
      index = parentIndex;
    }
    this.#put(item, index);
  }

  #sink(item: T, from: number): void {
    let index = from;
    for (;;) {
      const childIndex = this.#smallerChild(index);
      const child = this.#items[childIndex];
      if (child === undefined || !this.#order.isBefore(child, item)) break;
      this.#put(child, index);
      index = childIndex;
    }
    this.#put(item, index);
  }

  #smallerChild(index: number): number {
    const leftIndex = 2 * index + 1;
    const left = this.#items[leftIndex];
    const right = this.#items[leftIndex + 1];
    const isRight = left !== undefined && right !== undefined && this.#order.isBefore(right, left);
    return isRight ? leftIndex + 1 : leftIndex;
  }

  #put(item: T, index: number): void {
    this.#items[index] = item;
    this.#order.moved(item, index);
  }
}
