/** A bounded queue in the classic form: put() waits for room, get() for an item. */
export class BoundedQueue<T> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  readonly #takers: ((item: T) => void)[] = [];
  readonly #putters: (() => void)[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#items.length;
  }

  /** How many wait for room. */
  get putters(): number {
    return this.#putters.length;
  }

  async put(item: T): Promise<void> {
    while (this.#items.length >= this.#capacity) {
      await new Promise<void>((resolve) => void this.#putters.push(resolve));
    }
    const taker = this.#takers.shift();
    if (taker === undefined) this.#items.push(item);
    else taker(item);
  }

  async get(): Promise<T> {
    const item = this.#items.shift();
    this.#putters.shift()?.();
    return item ?? new Promise((resolve) => void this.#takers.push(resolve));
  }
}
