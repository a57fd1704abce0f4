import { UnjamError } from "../core/errors.ts";
import { UNFINISHED_NAMED_MAX, WAIT_MS_DEFAULT } from "../core/limits.ts";
import { invalid, readOptions } from "../core/options.ts";
import { CLOSE_QUEUE_OPTIONS } from "../core/sync-option-tables.ts";
import { Admission } from "./admission.ts";
import { Answers } from "./answers.ts";
import { SiteSampler } from "./call-site.ts";
import { type Consume, type Consumer, ConsumerLoop } from "./consumer.ts";
import { Consumers } from "./consumers.ts";
import { type Holder, Holders, unfinished } from "./holders.ts";
import type { Item } from "./item.ts";
import type { Lease } from "./lease.ts";
import { Moments } from "./moments.ts";
import { type PutOutcome, Putters, type QueueParts } from "./putters.ts";
import { QueueCore } from "./queue-core.ts";
import {
  type ConsumeOptions,
  type ItemsOptions,
  type JoinableQueueOptions,
  type PutOptions,
  readConsumeOptions,
  readQueueOptions,
  readWaitOptions,
  type WaitOptions,
} from "./queue-options.ts";
import { type QueueEventName, type QueueEvents, QueueReport } from "./queue-report.ts";
import type { JoinResult } from "./settlements.ts";
import { roomOnStack } from "./stack-room.ts";
import { Takers } from "./takers.ts";
import type { Movers } from "./wait-graph.ts";
import { type QueueWait, Waits } from "./waits.ts";

/** A queue at one moment. */
export interface QueueSnapshot {
  readonly name: string;
  /** "broken": its last consumer died, and no other has come since. "closed" is for good. */
  readonly phase: "open" | "broken" | "closed";
  readonly isPaused: boolean;
  readonly capacity: number;
  /** Items that wait in the queue. */
  readonly size: number;
  /** Those, and what somebody holds. */
  readonly unfinished: number;
  /** Callers that wait for room, and takers that wait for items. */
  readonly putters: number;
  readonly takers: number;
  /** Live consumers, `for await` loops included. */
  readonly consumers: number;
  /** Items that overflow policies dropped since the queue was made. */
  readonly droppedCount: number;
  /** What `holders()` says. */
  readonly holders: readonly Holder[];
  /** What `waits()` says, longest first. */
  readonly waits: readonly QueueWait[];
}

/**
 * A bounded queue in one process whose waits all end: what `asyncio.Queue` is in Python, without
 * its hangs. An item that was put is unfinished until its holder settles it; a consumer that throws,
 * a loop that is left and a lease that is forgotten settle it too, so that `join` comes to its end.
 *
 * `T` is what is put, `R` what a consumer returns to `ask`.
 *
 * @example
 * import { JoinableQueue } from "unjam/sync";
 * const queue = new JoinableQueue<number, number>({ capacity: 100, name: "squares" });
 * const consumer = queue.consume(async (n) => n * n, { concurrency: 4 });
 * console.log(await queue.ask(7)); // 49
 * for (let n = 0; n < 1_000; n++) await queue.put(n, { waitMs: 500 });
 * console.log(await queue.join({ waitMs: 10_000 })); // { done: 1001, failed: 0, errors: [] }
 * consumer.stop();
 * await consumer.finished;
 */
export class JoinableQueue<T, R = unknown> implements AsyncIterable<T>, AsyncDisposable {
  readonly #parts: QueueParts<T>;
  readonly #core: QueueCore<T>;
  readonly #consumers: Consumers<T>;
  readonly #admission: Admission<T>;
  readonly #putters: Putters<T>;
  readonly #takers: Takers<T>;
  readonly #sites: SiteSampler;
  readonly #report: QueueReport;

  /** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID */
  constructor(options: JoinableQueueOptions<T> = {}) {
    const settings = readQueueOptions(options);
    const { ports, waitersMax } = settings;
    const core = new QueueCore<T>(settings);
    const report = new QueueReport(settings.logger);
    const sites = new SiteSampler(settings.diagnostics, ports.clock);
    const moments = new Moments(ports, WAIT_MS_DEFAULT, (moment) => this.#putters.late(moment));
    const holders = new Holders<T>(ports.clock, {
      describe: settings.describe,
      sites,
    });
    const answers = new Answers(core, moments, holders);
    const waits = new Waits(ports, sites);
    const shared = { core, holders, moments, ports, report, waits };
    const consumers = new Consumers<T>({ ...shared, ends: answers });
    this.#parts = { settings, core, consumers, answers, holders, moments, waits };
    this.#core = core;
    this.#consumers = consumers;
    const onDropped = (item: Item<T>, reason: string): void => answers.dropped(item, reason);
    this.#admission = new Admission<T>({ core, consumers, ports, waitersMax, report, onDropped });
    this.#putters = new Putters(this.#parts, this.#admission);
    this.#takers = new Takers(this.#parts, { sites, report });
    this.#sites = sites;
    this.#report = report;
  }

  get name(): string {
    return this.#core.name;
  }

  get capacity(): number {
    return this.#core.capacity;
  }

  /** Items that wait in the queue. */
  get size(): number {
    return this.#core.size;
  }

  /** Items that were let in and are not settled: those that wait, and those that somebody holds. */
  get unfinished(): number {
    return this.#core.settlements.unfinishedCount;
  }

  /** Live consumers, `for await` loops included. */
  get consumers(): number {
    return this.#consumers.liveCount;
  }

  /**
   * Adds an item; resolves when it is in the queue. While the queue is full it waits behind those
   * who came before, up to `waitMs`; the policy `whenFull` may say otherwise.
   * @throws UNJAM_QUEUE_FULL at the deadline, or at once by "reject"; UNJAM_NO_CONSUMER when the last
   *   consumer is gone: when it died at once, with room and by any policy too; when it was stopped or
   *   left, instead of a wait for room or during it. So "reject" gives UNJAM_QUEUE_FULL then, and
   *   where somebody ever called `get` or `tryGet`, who may take the next, the put waits.
   *   UNJAM_QUEUE_CLOSED; UNJAM_TOO_MANY_WAITERS; UNJAM_DEADLOCK when only the caller itself could
   *   make room; the signal's reason; UNJAM_UNKNOWN_OPTION; UNJAM_INVALID_OPTION, also when
   *   `order.by` gives no number; what `by` throws. After any of them the item is not in the queue,
   *   nor will it be.
   */
  put(value: T, options?: PutOptions): Promise<PutOutcome> {
    return this.#putters.put(value, options);
  }

  /**
   * Adds an item if there is room now; false when there is none, or when the queue is closed or
   * broken. Waits for nothing, and knows no `whenFull`.
   * @throws UNJAM_INVALID_OPTION when `order.by` gives no number; what `by` throws. The item is not
   *   in the queue then
   */
  tryPut(value: T): boolean {
    return this.#putters.tryPut(value);
  }

  /**
   * Adds an item and resolves with what its consumer returned, or rejects with what it threw.
   * `waitMs` covers the wait for room and for the result. A late or aborted ask takes its item out
   * of the queue; when a consumer has begun with it, that goes on and its result is dropped.
   * @throws as `put`; UNJAM_WAIT_TIMEOUT when it was in the queue; UNJAM_ITEM_DROPPED when a policy
   *   or `close({ drop: true })` took it out
   */
  ask(value: T, options?: PutOptions): Promise<R> {
    return this.#putters.ask<R>(value, options);
  }

  /**
   * Takes the next item, waiting for one up to `waitMs`. The lease must be settled.
   * @throws UNJAM_WAIT_TIMEOUT; UNJAM_QUEUE_CLOSED when it is closed and nothing is
   *   unfinished that could be put back; UNJAM_TOO_MANY_WAITERS; the signal's reason; UNJAM_UNKNOWN_OPTION; UNJAM_INVALID_OPTION.
   *   After any of them no item was taken.
   */
  get(options?: WaitOptions): Promise<Lease<T>> {
    return this.#takers.get(options);
  }

  /** The next item, or `undefined` when there is none now or the queue is paused. */
  tryGet(): Lease<T> | undefined {
    return this.#takers.tryGet();
  }

  /**
   * Calls `handler` for each item until it is stopped or the queue is closed and empty. A throw
   * settles the item as failed, is told to `onError`, and the consumer goes on. Handlers start in a
   * turn of their own, never inside a `put`; after 10 ms of work the loop gets its turn.
   * @throws UNJAM_QUEUE_CLOSED, UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID
   */
  consume(handler: Consume<T, R>, options: ConsumeOptions<T> = {}): Consumer {
    const where = "queue.consume()";
    if (typeof handler !== "function") throw invalid("handler", where, "a function", handler);
    const settings = readConsumeOptions(options);
    if (this.#core.phase === "closed")
      throw new UnjamError("UNJAM_QUEUE_CLOSED", { queue: this.name });
    const name = settings.name ?? this.#consumers.nextName();
    const about = { name, site: this.#sites.captureLoop(), settings };
    const consumer = new ConsumerLoop<T>(about, handler, this.#consumers);
    this.#consumers.start(consumer);
    return consumer.handle;
  }

  /**
   * A loop over the items, until the queue is closed and empty. Each item is done when the next is
   * asked for or the loop is left. The loop counts as a consumer from now on, and as for one it is
   * no jam that nothing comes: it waits for ever unless `waitMs` says how long for each item.
   * `waits()` names it while it does. After 10 ms of work the runtime's loop gets its turn.
   * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID; the loop itself
   *   UNJAM_WAIT_TIMEOUT and the signal's reason, which leave it
   */
  items(options?: ItemsOptions): AsyncIterableIterator<T> {
    return this.#takers.loop(options);
  }

  /** `for await (const item of queue)` is `for await (const item of queue.items())`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.#takers.loop(undefined);
  }

  /**
   * Resolves when nothing is unfinished, with what was done and failed since the last join that
   * resolved. Items that are put meanwhile count too.
   * @throws UNJAM_JOIN_TIMEOUT, whose `details.unfinished` names who holds what, since when, taken
   *   where, and what he waits for; UNJAM_NO_CONSUMER when the last consumer died beyond mending;
   *   UNJAM_DEADLOCK when a handler of this queue waits for itself; the signal's reason;
   *   UNJAM_UNKNOWN_OPTION; UNJAM_INVALID_OPTION. The work goes on, and what was counted is left to
   *   the next join.
   */
  join(options?: WaitOptions): Promise<JoinResult> {
    try {
      const terms = readWaitOptions(options, "queue.join()");
      const { settlements, name } = this.#core;
      const refusal = settlements.unfinishedCount > 0 ? this.#consumers.ruin() : undefined;
      if (refusal !== undefined) throw refusal;
      roomOnStack();
      const { waits } = this.#parts;
      const late = (waitMs: number): Error => this.#joinTimeout(waitMs);
      const what = `the end of queue "${name}"`;
      const wait = waits.begin<JoinResult>(terms, { what, end: () => undefined, late });
      wait.listenTo(terms.signal);
      settlements.join(wait);
      return waits.promise(wait, () => this.#holderMovers());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Consumers and getters take nothing until `resume`; what they hold goes on. Producers meet the capacity. */
  pause(): void {
    this.#core.pause();
  }

  /** Lets consumers and getters take again. Does nothing to a queue that is not paused. */
  resume(): void {
    roomOnStack();
    this.#core.resume();
  }

  /**
   * Refuses producers from now on, also those that wait for room. Consumers finish what is in the
   * queue and end; with `drop` it is taken out instead. Closing twice is harmless.
   * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION
   */
  close(options?: { readonly drop?: boolean }): void {
    const { drop } = readOptions(CLOSE_QUEUE_OPTIONS, options, "queue.close()");
    roomOnStack();
    this.#core.close();
    if (drop) this.#parts.answers.dropAll("the queue was closed");
  }

  /** Closes, lets consumers finish for up to 25 s, and then drops and gives up what is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close({ drop: this.#consumers.liveCount === 0 });
    await this.#consumers.end();
    this.close({ drop: true });
  }

  /** Who holds what, since when: leases first, then consumers, also those that were stopped and still work. */
  holders(): readonly Holder[] {
    return this.#parts.holders.all(this.#consumers.all());
  }

  /**
   * Who waits for room, for an item, for an answer, for the end or for an `onError`, longest first.
   * Idle consumers are not among them, nor are asks without options that are in the queue: see
   * `snapshot()`.
   */
  waits(): readonly QueueWait[] {
    return this.#parts.waits.open();
  }

  /** All of it at one moment, as a copy that does not change: counts, `holders()` and `waits()`. */
  snapshot(): QueueSnapshot {
    const { phase, isPaused, size, waiterCount, takerCount } = this.#core;
    return {
      ...{ name: this.name, capacity: this.capacity, phase, isPaused, size },
      unfinished: this.unfinished,
      putters: waiterCount,
      takers: takerCount,
      consumers: this.consumers,
      droppedCount: this.#admission.droppedCount,
      holders: this.holders(),
      waits: this.waits(),
    };
  }

  /**
   * Calls `listener` for each event of this kind; the answer takes it off again. Each is also a
   * warning in the log, but for a `full` that only says that callers have begun to wait.
   * @throws UNJAM_INVALID_OPTION for a name that is not in {@link QueueEvents}, or a listener that is
   *   no function
   */
  on<N extends QueueEventName>(name: N, listener: (data: QueueEvents[N]) => void): () => void {
    return this.#report.on(name, listener);
  }

  #joinTimeout(waitedMs: number): UnjamError {
    const { holders } = this.#parts;
    const waiting = this.#core.queued().slice(0, UNFINISHED_NAMED_MAX);
    const values = waiting.map(({ value }) => holders.describe(value));
    const named = unfinished(this.name, this.holders(), values);
    const { unfinished: unfinishedCount } = this;
    return new UnjamError("UNJAM_JOIN_TIMEOUT", { waitedMs, unfinishedCount, unfinished: named });
  }

  /**
   * Each handler must end before a join does, so one that is stuck is enough. Who will settle a
   * lease nobody can tell: the flow that took it may have handed it on.
   */
  #holderMovers(): Movers {
    const slots = this.#consumers.all().flatMap((consumer) => consumer.slots);
    const working = slots.filter(({ item }) => item !== undefined);
    return { need: "all", flows: working.map(({ flow }) => flow), isSure: true };
  }
}
