/**
 * A joinable queue in the classic form, as many languages have it: `put` counts up, `taskDone`
 * counts down, and `join` waits for zero. Whoever takes an item has to remember the count.
 */
export class ClassicQueue<T> {
  readonly #items: T[] = [];
  readonly #takers: ((item: T) => void)[] = [];
  #joiners: (() => void)[] = [];
  #unfinishedCount = 0;

  get size(): number {
    return this.#items.length;
  }

  get unfinished(): number {
    return this.#unfinishedCount;
  }

  put(item: T): void {
    this.#unfinishedCount++;
    const taker = this.#takers.shift();
    if (taker === undefined) this.#items.push(item);
    else taker(item);
  }

  async get(): Promise<T> {
    const item = this.#items.shift();
    return item ?? new Promise((resolve) => void this.#takers.push(resolve));
  }

  taskDone(): void {
    if (--this.#unfinishedCount > 0) return;
    for (const resolve of this.#joiners) resolve();
    this.#joiners = [];
  }

  async join(): Promise<void> {
    if (this.#unfinishedCount === 0) return;
    await new Promise<void>((resolve) => void this.#joiners.push(resolve));
  }
}
