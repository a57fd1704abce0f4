import { type Consumer, JoinableQueue } from "unjam/sync";

type Call = () => unknown;

/** Runs the functions that are submitted to it, so many at once, in the order in which they came. */
export class Executor implements AsyncDisposable {
  readonly #calls: JoinableQueue<Call>;
  readonly #consumer: Consumer;

  /** @param options.capacity calls that may wait; beyond it `submit` waits for room */
  constructor(options: { readonly concurrency: number; readonly capacity: number }) {
    const { concurrency, capacity } = options;
    this.#calls = new JoinableQueue({ name: "calls", capacity });
    this.#consumer = this.#calls.consume((call) => call(), { concurrency });
  }

  /**
   * Resolves with what `fn` returned, or rejects with what it threw.
   * @throws UNJAM_WAIT_TIMEOUT when it was not over after `waitMs`, UNJAM_QUEUE_CLOSED
   */
  submit<R>(fn: () => R | PromiseLike<R>, waitMs = 5_000): Promise<R> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the consumer returns what fn returns.
    return this.#calls.ask(fn, { waitMs }) as Promise<R>;
  }

  /** Takes nothing more, and resolves when everything that was submitted has run. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#calls.close();
    await this.#consumer.finished;
  }
}
