/**
 * Runs functions, so many at a time, in the style of the popular promise queues: `add` resolves
 * with what its function returned. It does not know who calls `add`, nor who waits for what.
 */
export class PromiseQueue {
  readonly #concurrency: number;
  readonly #waiting: (() => void)[] = [];
  #runningCount = 0;

  constructor(options: { readonly concurrency: number }) {
    this.#concurrency = options.concurrency;
  }

  get size(): number {
    return this.#waiting.length;
  }

  get pending(): number {
    return this.#runningCount;
  }

  add<T>(fn: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        this.#runningCount++;
        fn()
          .then(resolve, reject)
          .finally(() => {
            this.#runningCount--;
            this.#startNext();
          });
      });
      this.#startNext();
    });
  }

  #startNext(): void {
    if (this.#runningCount < this.#concurrency) this.#waiting.shift()?.();
  }
}
