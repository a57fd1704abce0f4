/** A joinable queue in the classic form: its users keep the count of what is unfinished. */
export class CountedQueue<T> {
  readonly #items: T[] = [];
  readonly #takers: ((item: T) => void)[] = [];
  #unfinishedCount = 0;
  #allDone: (() => void) | undefined;

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
    if (--this.#unfinishedCount === 0) this.#allDone?.();
  }

  async join(): Promise<void> {
    if (this.#unfinishedCount === 0) return;
    await new Promise<void>((resolve) => {
      this.#allDone = resolve;
    });
  }
}
