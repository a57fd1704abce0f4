import { once } from "node:events";
import { Worker } from "node:worker_threads";

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly code?: string; readonly message: string; readonly details?: unknown };
}

/** A thread with shared things in its hands, which does what a test tells it. */
export class Actor implements AsyncDisposable {
  readonly worker: Worker;
  readonly #open = new Map<number, (reply: Reply) => void>();
  #nextId = 1;

  private constructor(worker: Worker) {
    this.worker = worker;
    worker.on("message", (reply: Reply) => this.#open.get(reply.id)?.(reply));
  }

  /** `things`: handles by name, opened there, and anything else as it is. */
  static async start(things: object): Promise<Actor> {
    const entry = new URL("./fixtures/actor-thread.ts", import.meta.url);
    const worker = new Worker(entry, { workerData: things });
    const actor = new Actor(worker);
    await once(worker, "message");
    return actor;
  }

  /** Runs `body` there. It sees its arguments and the thread's globals, nothing of the test. */
  async run<T, A = undefined>(
    // oxlint-disable-next-line typescript/no-explicit-any -- what is in scope is up to the test.
    body: (things: any, args: A) => T | Promise<T>,
    args?: A,
  ): Promise<Awaited<T>> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#open.set(id, resolve);
    this.worker.postMessage({ id, source: body.toString(), args });
    const { value, error } = await promise;
    if (error !== undefined) throw Object.assign(new Error(error.message), error);
    return value as Awaited<T>;
  }

  /** The same without waiting for its end, which may never come. */
  begin<A = undefined>(
    // oxlint-disable-next-line typescript/no-explicit-any -- as above.
    body: (things: any, args: A) => unknown,
    args?: A,
  ): void {
    this.worker.postMessage({ id: -1, source: body.toString(), args });
  }

  async kill(): Promise<void> {
    await this.worker.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.terminate();
  }
}
