import { type JobContext, task, type Task, type TaskOptions } from "../../src/index.ts";

/** One attempt of a held task: it goes on until the test ends it. */
export interface HeldBody {
  readonly input: unknown;
  readonly context: JobContext;
  readonly end: (value?: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** A task on the loop whose handlers the test ends one by one. */
export class HeldTask {
  readonly task: Task<unknown>;
  readonly bodies: HeldBody[] = [];
  readonly #arrivals: ((body: HeldBody) => void)[] = [];
  #taken = 0;

  constructor(name = "held", options: TaskOptions = {}) {
    this.task = task(name, options, (input: unknown, context) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const body = { input, context, end: resolve, fail: reject };
      this.bodies.push(body);
      this.#arrivals.shift()?.(body);
      return promise;
    });
  }

  /** The next attempt that begins, or has begun and was not asked for yet. */
  next(): Promise<HeldBody> {
    const begun = this.bodies[this.#taken++];
    if (begun !== undefined) return Promise.resolve(begun);
    return new Promise((resolve) => {
      this.#arrivals.push(resolve);
    });
  }
}
