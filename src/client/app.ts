import type { Clock, MonotonicMs, Timers } from "../core/clock.ts";
import type { EnqueueOptions, QueueBounds } from "../core/enqueue-order.ts";
import { UnjamError } from "../core/errors.ts";
import type { AppEventName, AppEvents } from "../core/events.ts";
import type { JobNumber, JobRecord } from "../core/job.ts";
import type { Logger } from "../core/job-context.ts";
import { formatJobId, parseJobId } from "../core/job-id.ts";
import { idOf } from "../core/job-result.ts";
import type { JobState } from "../core/job-state.ts";
import { ID_BLOCK_SIZE, OPEN_MS_MAX, RESTARTS_PER_MS, WAIT_MS_DEFAULT } from "../core/limits.ts";
import { CLOSE_OPTIONS, JOIN_OPTIONS, LIST_OPTIONS } from "../core/option-tables.ts";
import { readOptions, readQueueName, readSignal } from "../core/options.ts";
import type { TaskBody } from "../core/task.ts";
import { IdSource } from "../runtime/id-source.ts";
import type { FromEngine, ToEngine } from "../runtime/messages.ts";
import type { RuntimeHandle, RuntimeListener } from "../runtime/runtime-handle.ts";
import type { Owner, QueueRecord } from "../store/store.ts";
import { closeOnSignals } from "./close-signals.ts";
import { EngineClient, type OpenWait } from "./engine-client.ts";
import { Enqueuer } from "./enqueuer.ts";
import { EventHub } from "./event-hub.ts";
import { handleOf, JobHandle, type HandleLink, type JobStatus, statusOf } from "./job-handle.ts";
import { Inbox } from "./inbox.ts";
import { join, type JoinBase, joinBase, type JoinOptions, type JoinResult } from "./join.ts";
import { LoopHost } from "./loop-host.ts";
import { Outbox } from "./outbox.ts";
import { stderrLogger } from "./stderr-logger.ts";
import type { Task } from "./task.ts";

/** `lost`: the runtime is gone for good, and every call says why. */
type Phase = "opening" | "open" | "closing" | "closed" | "lost";

export interface AppOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly bodies: ReadonlyMap<string, TaskBody>;
  readonly bounds: ReadonlyMap<string, QueueBounds>;
  readonly loopSlots: number;
  readonly logger: Logger | undefined;
}

/** Which jobs to list: by id, ascending, at most `limit` (default 100, at most 1,000). */
export interface ListOptions {
  readonly queue?: string;
  readonly state?: JobState;
  readonly limit?: number;
  readonly after?: string;
}

/**
 * An open queue: enqueues jobs, runs the handlers that belong on the main loop, and answers
 * questions. Made by `open()`; ended by `close()`, or by `await using` on Node 24 and later.
 */
export class App implements AsyncDisposable {
  /** What the runtime tells this app; not for users. */
  readonly listener: RuntimeListener;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #events: EventHub;
  readonly #outbox: Outbox<JobHandle>;
  readonly #engine: EngineClient;
  readonly #ids: IdSource;
  readonly #enqueuer: Enqueuer;
  readonly #loop: LoopHost;
  readonly #handles: HandleLink;
  #phase: Phase = "opening";
  #runtime: RuntimeHandle | undefined;
  #lostBecause: Error | undefined;
  #base: JoinBase = new Map();
  #openedAt = 0;
  #closing: Promise<void> | undefined;
  #stopListening: (() => void) | undefined;

  constructor(options: AppOptions) {
    const ports = { clock: options.clock, timers: options.timers };
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#events = new EventHub(options.logger ?? stderrLogger);
    this.#handles = this.#makeHandleLink();
    const send = (message: ToEngine): void => this.#runtime?.send(message);
    this.#outbox = new Outbox(ports, send, handleOf(this.#handles));
    this.#engine = new EngineClient(ports, send);
    const reserve = { name: "reserveIds", count: ID_BLOCK_SIZE } as const;
    this.#ids = new IdSource(() => this.#engine.call(reserve, OPEN_MS_MAX));
    const { bodies, bounds } = options;
    const tools = { clock: this.#clock, outbox: this.#outbox, ids: this.#ids };
    this.#enqueuer = new Enqueuer({ ...tools, bodies, bounds });
    this.#loop = new LoopHost({
      ...ports,
      bodies,
      slots: options.loopSlots,
      outbox: this.#outbox,
      events: this.#events,
      enqueuer: this.#enqueuer,
      send,
      onBeating: () => this.#runtime?.beating(),
    });
    const inbox = new Inbox<FromEngine>(ports, (message) => this.#receive(message));
    this.listener = {
      message: (message) => inbox.receive(message),
      restarted: () => this.#resume(),
      lost: (error) => this.#lose(error),
      event: (event) => this.#events.emit(event),
      blocked: (block) => this.#loop.blocked(block),
    };
  }

  /** Where the main loop shows that it turns; not for users. */
  get beat(): SharedArrayBuffer {
    return this.#loop.beat;
  }

  /** Takes the running engine and gets ready to enqueue; not for users. */
  async connect(runtime: RuntimeHandle, closesOnSignals: boolean): Promise<void> {
    this.#runtime = runtime;
    this.#openedAt = this.#clock.wallNow();
    try {
      const [queues] = await Promise.all([
        this.#engine.call({ name: "queues" }, OPEN_MS_MAX),
        this.#ids.prepare(),
      ]);
      this.#base = joinBase(queues);
    } catch (error) {
      await runtime.end(this.#clock.now());
      throw error;
    }
    this.#phase = "open";
    if (closesOnSignals) this.#stopListening = closeOnSignals(() => this.close());
  }

  /**
   * Stores a job and resolves when it is durable; the durability class is the store's. The input
   * is checked by the task's schema and serialised at once; later changes to it do not count.
   *
   * @param options docs/reference/options.md; by default it waits up to 30 s for room.
   * @throws UNJAM_QUEUE_FULL, UNJAM_NO_CONSUMER, UNJAM_TOO_MANY_WAITERS (nothing was stored),
   *   UNJAM_OUTCOME_UNKNOWN (repeat it with `details.ids[0]` as `id`), UNJAM_PAYLOAD_…,
   *   UNJAM_ID_TAKEN, UNJAM_TASK_UNKNOWN, UNJAM_STORE_…, UNJAM_CLOSED
   */
  enqueue<In, Out>(
    task: Task<In, Out>,
    input: NoInfer<In>,
    options?: EnqueueOptions,
  ): Promise<JobHandle<Out>>;
  /** By name, for a task that this process knows; the input is not checked at compile time. */
  enqueue(task: string, input: unknown, options?: EnqueueOptions): Promise<JobHandle>;
  enqueue(task: unknown, input: unknown, options?: EnqueueOptions): Promise<JobHandle> {
    if (this.#phase !== "open") return Promise.reject(this.#refusal("enqueue"));
    return this.#enqueuer.enqueue(task, input, options);
  }

  /** Stores up to 10,000 jobs in one transaction, all or none. @throws as `enqueue` does, UNJAM_BATCH_TOO_LARGE */
  enqueueMany<In, Out>(
    task: Task<In, Out>,
    inputs: readonly NoInfer<In>[],
    options?: EnqueueOptions,
  ): Promise<JobHandle<Out>[]>;
  enqueueMany(
    task: string,
    inputs: readonly unknown[],
    options?: EnqueueOptions,
  ): Promise<JobHandle[]>;
  enqueueMany(
    task: unknown,
    inputs: readonly unknown[],
    options?: EnqueueOptions,
  ): Promise<JobHandle[]> {
    if (this.#phase !== "open") return Promise.reject(this.#refusal("enqueueMany"));
    return this.#enqueuer.enqueueMany(task, inputs, options);
  }

  /** A handle on a job by its id; asks nothing. */
  job(id: string): JobHandle {
    return new JobHandle(id, this.#handles);
  }

  /**
   * Waits until nothing that is due is unfinished, in one queue or in all: jobs that wait for a
   * retry count, jobs delayed into the future and paused queues do not.
   * @throws UNJAM_JOIN_TIMEOUT after `waitMs` (default 30_000), naming what is unfinished
   */
  async join(options?: JoinOptions): Promise<JoinResult> {
    this.#check("join");
    const { queue, waitMs, signal } = readOptions(JOIN_OPTIONS, options, "app.join()");
    const parts = { engine: this.#engine, clock: this.#clock, timers: this.#timers };
    const since = { base: this.#base, openedAt: this.#openedAt };
    return join({ ...parts, ...since, queue, waitMs, signal: readSignal(signal, "app.join()") });
  }

  async queues(): Promise<readonly QueueRecord[]> {
    this.#check("queues");
    return this.#engine.call({ name: "queues" }, WAIT_MS_DEFAULT);
  }

  async jobs(options?: ListOptions): Promise<readonly JobStatus[]> {
    this.#check("jobs");
    const { queue, state, limit, after } = readOptions(LIST_OPTIONS, options, "app.jobs()");
    const query = {
      queue: queue ?? null,
      states: state === undefined ? null : [state],
      limit,
      after: after === undefined ? null : await this.#numberOf(after),
    };
    const records = await this.#engine.call({ name: "list", query }, WAIT_MS_DEFAULT);
    return records.map(statusOf);
  }

  /** Who enqueues and works on this store: the living first, then those that went last. */
  async workers(): Promise<readonly Owner[]> {
    this.#check("workers");
    return this.#engine.call({ name: "owners" }, WAIT_MS_DEFAULT);
  }

  /** Nobody takes jobs from the queue until it is resumed; running ones go on. Survives restarts. */
  async pause(queue: string): Promise<void> {
    await this.#setPaused(queue, true);
  }

  async resume(queue: string): Promise<void> {
    await this.#setPaused(queue, false);
  }

  /** Starts dead, cancelled, expired or dropped jobs anew; answers the ids of those it did. */
  async retry(ids: readonly string[]): Promise<readonly string[]> {
    this.#check("retry");
    const since = this.#clock.now();
    const numbers = await this.#numbersOf(ids);
    const request = { name: "revive", ids: [...numbers.keys()] } as const;
    const revived = await this.#engine.call(request, this.#leftMs(since));
    return revived.map((id) => numbers.get(id) ?? formatJobId(id));
  }

  /** Every open wait of this app: what for, since when, until when (ms of the monotonic clock). */
  waits(): readonly OpenWait[] {
    return [...this.#outbox.waits(), ...this.#engine.waits()];
  }

  /** Listens to one of the events of the closed list; call what it returns to stop. */
  on<N extends AppEventName>(name: N, listener: (data: AppEvents[N]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /** Where the jobs are, and what an acknowledgement survives. */
  async store(): Promise<{
    readonly place: string;
    readonly durability: "memory" | "process" | "power";
  }> {
    this.#check("store");
    const { place, durability } = await this.#engine.call({ name: "store" }, WAIT_MS_DEFAULT);
    return { place, durability };
  }

  /**
   * Takes no new work, finishes or hands back what it holds, and ends by `graceMs` (default
   * 25_000) whatever happens. Handlers that still run are told by their signal.
   */
  close(options?: { readonly graceMs?: number }): Promise<void> {
    const { graceMs } = readOptions(CLOSE_OPTIONS, options, "app.close()");
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(graceMs: number): Promise<void> {
    this.#stopListening?.();
    const until = this.#clock.now() + graceMs;
    if (this.#phase === "open") {
      this.#phase = "closing";
      this.#outbox.flush();
      // A drain that fails or is late leaves leases that run out; the end must come all the same.
      await this.#engine.call({ name: "drain", until }, graceMs).catch(() => undefined);
    }
    this.#phase = "closed";
    this.#loop.stop();
    await this.#runtime?.end(until);
    const closed = new UnjamError("UNJAM_CLOSED", { what: "a call that was still waiting" });
    this.#outbox.rejectAll(closed);
    this.#engine.rejectAll(closed);
  }

  #receive(message: FromEngine): void {
    if (this.#engine.receive(message)) return;
    switch (message.type) {
      case "added":
        this.#outbox.answered(message);
        return;
      case "attempts":
      case "awaited":
      case "abort":
        this.#loop.receive(message);
        return;
      case "giveBack":
        this.#loop.receive(message);
        this.#outbox.flush();
        return;
      case "event":
        if (message.event.name === "broken") this.#breakLane(message.event.data);
        this.#events.emit(message.event);
        return;
      case "log":
        this.#events.log(message.line);
        return;
      default:
        return;
    }
  }

  #breakLane(broken: AppEvents["broken"]): void {
    const error = new UnjamError("UNJAM_BROKEN", { ...broken, perMs: RESTARTS_PER_MS });
    if (broken.part === "job thread") this.#enqueuer.breakLane("thread", error);
    else if (broken.part === "job process") this.#enqueuer.breakLane("process", error);
  }

  /** A new engine took over: it gets what the old one owed. */
  #resume(): void {
    const jobs = this.#loop.held();
    this.#runtime?.send({ type: "held", jobs });
    for (const wait of this.#loop.openWaits()) this.#runtime?.send(wait);
    this.#outbox.resend();
    this.#engine.resend();
  }

  #lose(error: Error): void {
    if (this.#phase !== "closed") this.#phase = "lost";
    this.#lostBecause = error;
    this.#outbox.rejectAll(error);
    this.#engine.rejectAll(error);
  }

  async #setPaused(name: string, paused: boolean): Promise<void> {
    this.#check(paused ? "pause" : "resume");
    const queue = readQueueName(name, "queue", paused ? "app.pause()" : "app.resume()");
    await this.#engine.call({ name: "setPaused", queue, paused }, WAIT_MS_DEFAULT);
  }

  #check(what: string): void {
    if (this.#phase !== "open") throw this.#refusal(what);
  }

  #refusal(what: string): Error {
    return this.#lostBecause ?? new UnjamError("UNJAM_CLOSED", { what });
  }

  #makeHandleLink(): HandleLink {
    return {
      wait: async (id, { waitMs, signal }) => {
        this.#check("job.result()");
        const since = this.#clock.now();
        const number = await this.#numberOf(id, waitMs);
        return this.#engine.settled(number, { waitMs, signal, since });
      },
      find: async (id) => {
        this.#check("job.status()");
        return this.#find(id);
      },
      cancel: async (id) => {
        this.#check("job.cancel()");
        const since = this.#clock.now();
        const ids = [await this.#numberOf(id)];
        return (await this.#engine.call({ name: "cancel", ids }, this.#leftMs(since))).length > 0;
      },
    };
  }

  /** For the second question of a call that asks two. */
  #leftMs(since: MonotonicMs): number {
    return Math.max(0, WAIT_MS_DEFAULT - (this.#clock.now() - since));
  }

  /** An id of ours, or a caller's own. */
  async #find(id: string, waitMs: number = WAIT_MS_DEFAULT): Promise<JobRecord | undefined> {
    const ids = [parseJobId(id) ?? id];
    const [record] = await this.#engine.call({ name: "get", ids }, waitMs);
    return record;
  }

  /** @throws UNJAM_JOB_UNKNOWN */
  async #numberOf(id: string, waitMs?: number): Promise<JobNumber> {
    const number = parseJobId(id) ?? (await this.#find(id, waitMs))?.id;
    if (number === undefined) throw new UnjamError("UNJAM_JOB_UNKNOWN", { id });
    return number;
  }

  async #numbersOf(ids: readonly string[]): Promise<Map<JobNumber, string>> {
    const wanted = ids.map((id) => parseJobId(id) ?? id);
    const records = await this.#engine.call({ name: "get", ids: wanted }, WAIT_MS_DEFAULT);
    return new Map(records.map((record) => [record.id, idOf(record)]));
  }
}
