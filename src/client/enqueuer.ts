import type { Clock } from "../core/clock.ts";
import {
  type AddOrder,
  type EnqueueOptions,
  plainOrder,
  type QueueBounds,
  readOrder,
} from "../core/enqueue-order.ts";
import { UnjamError } from "../core/errors.ts";
import type { JobNumber } from "../core/job.ts";
import { BATCH_JOBS_MAX } from "../core/limits.ts";
import { invalid } from "../core/options.ts";
import { type RunsOn, type TaskBody, taskBody } from "../core/task.ts";
import type { IdSource } from "../runtime/id-source.ts";
import { checkedPayload, checkedPayloads } from "../runtime/checked-payload.ts";
import type { JobHandle } from "./job-handle.ts";
import type { Outbox } from "./outbox.ts";

/**
 * Makes stored jobs of inputs: finds the task, checks and serialises the input on the caller's
 * thread, gives it an id and hands it to the outbox. All of it happens in the caller's turn,
 * unless the schema answers later, so that jobs are stored in the order of the calls.
 */
export class Enqueuer {
  readonly #clock: Clock;
  readonly #outbox: Outbox<JobHandle>;
  readonly #ids: IdSource;
  readonly #bodies: ReadonlyMap<string, TaskBody>;
  readonly #bounds: ReadonlyMap<string, QueueBounds>;
  readonly #broken = new Map<RunsOn, Error>();
  readonly #plain = new Map<string, AddOrder>();

  constructor(options: {
    readonly clock: Clock;
    readonly outbox: Outbox<JobHandle>;
    readonly ids: IdSource;
    readonly bodies: ReadonlyMap<string, TaskBody>;
    readonly bounds: ReadonlyMap<string, QueueBounds>;
  }) {
    this.#clock = options.clock;
    this.#outbox = options.outbox;
    this.#ids = options.ids;
    this.#bodies = options.bodies;
    this.#bounds = options.bounds;
  }

  /** From now on jobs that would run there in this process are refused: nobody is left to run them. */
  breakLane(runs: RunsOn, error: Error): void {
    this.#broken.set(runs, error);
  }

  enqueue(task: unknown, input: unknown, options: EnqueueOptions | undefined): Promise<JobHandle> {
    try {
      const body = this.#bodyOf(task);
      const order = this.#plainOrder(body);
      const payload = checkedPayload(body, input);
      // The plain call makes one promise and no more: at full load garbage is what stops the loop.
      const id = options === undefined && typeof payload === "string" ? this.#ids.takeOneNow() : 0;
      if (id !== 0 && typeof payload === "string") return this.#outbox.add(order, id, payload);
      return this.#enqueueLater(order, payload, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #enqueueLater(
    plain: AddOrder,
    checked: string | Promise<string>,
    options: EnqueueOptions | undefined,
  ): Promise<JobHandle> {
    const payload = typeof checked === "string" ? checked : await checked;
    const { order, ownId, signal } =
      options === undefined
        ? { order: plain, ownId: null, signal: undefined }
        : readOrder(plain, options, this.#clock);
    signal?.throwIfAborted();
    const id = ownId ?? (this.#ids.takeOneNow() || (await this.#oneId()));
    const added = this.#outbox.add(order, id, payload);
    return signal === undefined ? added : unlessAborted(added, signal);
  }

  async enqueueMany(
    task: unknown,
    inputs: readonly unknown[],
    options: EnqueueOptions | undefined,
  ): Promise<JobHandle[]> {
    const body = this.#bodyOf(task);
    if (!Array.isArray(inputs)) throw invalid("inputs", "enqueueMany", "an array", inputs);
    if (inputs.length > BATCH_JOBS_MAX) {
      throw new UnjamError("UNJAM_BATCH_TOO_LARGE", {
        jobs: inputs.length,
        jobsMax: BATCH_JOBS_MAX,
      });
    }
    if (options?.id !== undefined || options?.key !== undefined) {
      throw new UnjamError("UNJAM_NOT_SUPPORTED", {
        what: "an id or key for many jobs",
        where: "enqueueMany",
      });
    }
    if (inputs.length === 0) return [];
    const checked = checkedPayloads(body, inputs);
    const payloads = Array.isArray(checked) ? checked : await checked;
    const { order, signal } = readOrder(this.#plainOrder(body), options, this.#clock);
    signal?.throwIfAborted();
    const ids = this.#ids.takeNow(inputs.length) ?? (await this.#ids.take(inputs.length));
    const added = this.#outbox.addAll({ ...order, atomic: true }, ids, payloads);
    return signal === undefined ? added : unlessAborted(added, signal);
  }

  /** Once in a million jobs, when a block has run out before the next one came. */
  async #oneId(): Promise<JobNumber> {
    const [id = 0] = await this.#ids.take(1);
    return id;
  }

  #plainOrder({ facts }: TaskBody): AddOrder {
    let order = this.#plain.get(facts.name);
    if (order === undefined || order.shape.queue !== facts.queue) {
      order = plainOrder(facts, this.#bounds.get(facts.queue));
      this.#plain.set(facts.name, order);
    }
    return order;
  }

  /** The task as it was given; by its name only when it is not a value of ours. */
  #bodyOf(task: unknown): TaskBody {
    const body = this.#find(task);
    const { runs, name } = body.facts;
    const broken = this.#broken.get(runs);
    if (broken !== undefined && this.#bodies.get(name)?.handler !== undefined) throw broken;
    return body;
  }

  #find(task: unknown): TaskBody {
    const body = taskBody(task);
    if (body !== undefined) return body;
    const name = typeof task === "string" ? task : nameOf(task);
    const known = this.#bodies.get(name);
    if (known !== undefined) return known;
    throw new UnjamError("UNJAM_TASK_UNKNOWN", { task: name, known: [...this.#bodies.keys()] });
  }
}

function nameOf(task: unknown): string {
  if (typeof task !== "object" || task === null || !("name" in task)) return String(task);
  return String(task.name);
}

/** The work's answer, or the signal's reason when that comes first. The work goes on all the same. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    // A signal may live as long as the server: it must not gather a listener per job.
    const forget = (): void => signal.removeEventListener("abort", onAbort);
    work.finally(forget).then(resolve, reject);
  });
}
