import { forgetHolding, type Holding, settleHolding } from "./lease.ts";
import { roomOnStack } from "./stack-room.ts";

/** What a loop needs of its queue. */
export interface IterationDesk<T> {
  /**
   * The next item; `undefined` when the queue is closed and everything in it is settled. It rejects
   * at the loop's deadline, and with the reason of its signal.
   */
  next(): Promise<Holding<T> | undefined>;
  /** The loop was left. */
  left(): void;
}

/** What outlives a loop that is forgotten. */
interface Estate<T> {
  readonly desk: IterationDesk<T>;
  /** The item that the loop's body works on. */
  holding: Holding<T> | undefined;
}

/**
 * A `for await` over a queue. Each item is done when the next is asked for or the loop is left, by
 * `break` or by a throw, which look the same from here.
 */
export class Iteration<T> implements AsyncIterableIterator<T> {
  readonly #estate: Estate<T>;
  #phase: "running" | "over" = "running";

  constructor(desk: IterationDesk<T>) {
    this.#estate = { desk, holding: undefined };
    // Once for the loop and not for each item, which would be half of what an item costs.
    abandoned.register(this, this.#estate, this);
  }

  async next(): Promise<IteratorResult<T>> {
    this.#settle();
    let holding: Holding<T> | undefined;
    try {
      holding = this.#isOver ? undefined : await this.#estate.desk.next();
    } catch (error) {
      // Whoever loops does not call return after that.
      await this.return();
      throw error;
    }
    if (holding === undefined) return this.return();
    if (this.#isOver) {
      // It was left while this call waited: the item is somebody else's.
      settleHolding(holding, { kind: "back" });
      return { done: true, value: undefined };
    }
    // Of another call of next, which came meanwhile: this one asked for the next item too.
    this.#settle();
    this.#estate.holding = holding;
    return { done: false, value: holding.item.value };
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#settle();
    if (this.#phase === "running") {
      this.#phase = "over";
      abandoned.unregister(this);
      this.#estate.desk.left();
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
    const { holding } = this.#estate;
    if (holding === undefined) return;
    roomOnStack();
    // First: what this tells may ask the loop for its next item.
    this.#estate.holding = undefined;
    settleHolding(holding, { kind: "done" });
  }
}

/** A loop that waits for ever on something else, and was collected with it, takes nothing any more. */
const abandoned = new FinalizationRegistry<Estate<unknown>>(({ desk, holding }) => {
  if (holding !== undefined) forgetHolding(holding, "loop");
  desk.left();
});
