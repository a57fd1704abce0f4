import type { Lease } from "./lease.ts";

/** What a loop needs of its queue. */
export interface IterationDesk<T> {
  /**
   * The next item; `undefined` when the queue is closed and everything in it is settled. It rejects
   * at the loop's deadline, and with the reason of its signal.
   */
  next(): Promise<Lease<T> | undefined>;
  /** The loop was left. */
  left(): void;
}

/**
 * A `for await` over a queue. Each item is done when the next is asked for or the loop is left, by
 * `break` or by a throw, which look the same from here.
 */
export class Iteration<T> implements AsyncIterableIterator<T> {
  readonly #desk: IterationDesk<T>;
  #lease: Lease<T> | undefined;
  #phase: "running" | "over" = "running";

  constructor(desk: IterationDesk<T>) {
    this.#desk = desk;
    abandoned.register(this, desk, this);
  }

  async next(): Promise<IteratorResult<T>> {
    this.#settle();
    let lease: Lease<T> | undefined;
    try {
      lease = this.#isOver ? undefined : await this.#desk.next();
    } catch (error) {
      // Whoever loops does not call return after that.
      await this.return();
      throw error;
    }
    if (lease === undefined) return this.return();
    if (this.#isOver) {
      // It was left while this call waited: the item is somebody else's.
      lease.putBack();
      return { done: true, value: undefined };
    }
    // Of another call of next, which came meanwhile: this one asked for the next item too.
    this.#settle();
    this.#lease = lease;
    return { done: false, value: lease.value };
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#settle();
    if (this.#phase === "running") {
      this.#phase = "over";
      abandoned.unregister(this);
      this.#desk.left();
    }
    return { done: true, value: undefined };
  }

  get #isOver(): boolean {
    return this.#phase === "over";
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #settle(): void {
    this.#lease?.[Symbol.dispose]();
    this.#lease = undefined;
  }
}

/** A loop that waits for ever on something else, and was collected with it, takes nothing any more. */
const abandoned = new FinalizationRegistry<IterationDesk<unknown>>((desk) => desk.left());
