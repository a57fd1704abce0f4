import { once } from "node:events";
import { Worker } from "node:worker_threads";

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly code?: string; readonly message: string; readonly details?: unknown };
}

/** A thread with shared things in its hands, which does what a test tells it. */
export class Actor<S extends object> implements AsyncDisposable {
  readonly worker: Worker;
  readonly #open = new Map<number, (reply: Reply) => void>();
  #nextId = 1;

  private constructor(worker: Worker) {
    this.worker = worker;
    worker.on("message", (reply: Reply) => this.#open.get(reply.id)?.(reply));
  }

  /** `things`: what has a handle is opened there, anything else is sent as it is. */
  static async start<S extends object>(things: S): Promise<Actor<S>> {
    const entry = new URL("./fixtures/actor-thread.js", import.meta.url);
    const workerData: Record<string, unknown> = {};
    for (const [name, thing] of Object.entries(things)) workerData[name] = handleOf(thing);
    const worker = new Worker(entry, { workerData });
    const actor = new Actor<S>(worker);
    await once(worker, "message");
    return actor;
  }

  /** Runs `body` there. It sees the things, its arguments and the thread's globals, nothing of the test. */
  async run<T, A = undefined>(
    body: (things: S, args: A) => T | Promise<T>,
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
  begin<A = undefined>(body: (things: S, args: A) => unknown, args?: A): void {
    this.worker.postMessage({ id: -1, source: body.toString(), args });
  }

  async kill(): Promise<void> {
    await this.worker.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.terminate();
  }
}

function handleOf(thing: unknown): unknown {
  return typeof thing === "object" && thing !== null && "handle" in thing ? thing.handle : thing;
}
