import type { Logger } from "../../src/core/job-context.ts";
import type { JoinableQueueOptions } from "../../src/sync/queue-options.ts";
import { JoinableQueue } from "../../src/sync/joinable-queue.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

/** A line of a queue's log. */
export interface LogLine {
  readonly fields: object;
  readonly message: string;
}

/** A queue whose time moves only when the test says so. */
export class QueueStage<T, R = unknown> {
  readonly clock: ManualClock = new ManualClock();
  readonly log: LogLine[] = [];
  readonly queue: JoinableQueue<T, R>;

  constructor(options: JoinableQueueOptions<T> = {}) {
    const note = (fields: object, message: string): void => void this.log.push({ fields, message });
    const logger: Logger = { info: note, warn: note, error: note };
    const { clock } = this;
    const ports = { clock, timers: clock, random: () => 0.5 };
    this.queue = new JoinableQueue({ name: "q", logger, ports, ...options });
  }

  /** When all that can happen without time passing has happened. */
  rest(): Promise<void> {
    return this.clock.rest();
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Takes and finishes all that can be taken now; the values, in the order in which they came. */
  drain(): T[] {
    const values: T[] = [];
    for (let lease = this.queue.tryGet(); lease !== undefined; lease = this.queue.tryGet()) {
      values.push(lease.value);
      lease.done();
    }
    return values;
  }
}

/** What became of a promise so far. */
export type Fate = "pending" | { readonly value: unknown } | { readonly reason: unknown };

/** Watches a promise, which is listened to from now on. */
export class Watched<T> {
  readonly promise: Promise<T>;
  #fate: Fate = "pending";

  constructor(promise: Promise<T>) {
    this.promise = promise;
    promise.then(
      (value) => (this.#fate = { value }),
      (reason: unknown) => (this.#fate = { reason }),
    );
  }

  get fate(): Fate {
    return this.#fate;
  }

  get isPending(): boolean {
    return this.#fate === "pending";
  }

  get value(): unknown {
    return this.#fate === "pending" || !("value" in this.#fate) ? undefined : this.#fate.value;
  }

  /** What it rejected with; `undefined` when it did not. */
  get reason(): unknown {
    return this.#fate === "pending" || !("reason" in this.#fate) ? undefined : this.#fate.reason;
  }

  /** The code that it rejected with. */
  get code(): unknown {
    const { reason } = this;
    return reason instanceof Error && "code" in reason ? reason.code : undefined;
  }
}

export function watch<T>(promise: Promise<T>): Watched<T> {
  return new Watched(promise);
}

/** A handler's work that ends when the test says so. */
export class Gate<T = void> {
  readonly opened: Promise<T>;
  readonly open: (value: T) => void;
  readonly fail: (error: unknown) => void;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.opened = promise;
    this.open = resolve;
    this.fail = reject;
  }
}
