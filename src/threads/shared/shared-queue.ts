/* oxlint-disable typescript/unbound-method -- methods name themselves, as the function that a stack begins below. */
import { isUnjamError, UnjamError } from "../../core/errors.ts";
import { SHARED_WAITERS_MAX, UNFINISHED_NAMED_MAX } from "../../core/limits.ts";
import { readOptions } from "../../core/options.ts";
import { CLOSE_QUEUE_OPTIONS } from "../../core/sync-option-tables.ts";
import type { CallSite } from "../../sync/call-site.ts";
import type { JoinResult } from "../../sync/settlements.ts";
import { waitAtBell } from "./bell.ts";
import { bytesOf, encodeItem, type EncodedItem } from "./item-codec.ts";
import { QueueEnd } from "./queue-end.ts";
import type { SharedHolder } from "./queue-census.ts";
import type { PutAnswer } from "./queue-engine.ts";
import { makeQueueMemory, type SharedQueueHandle } from "./queue-memory.ts";
import {
  readQueueHandle,
  readSharedQueueOptions,
  type SharedQueueOptions,
} from "./queue-options.ts";
import { SharedLease } from "./shared-lease.ts";
import {
  type BlockingWaitOptions,
  readBlockingWait,
  readWait,
  type SharedWaitOptions,
  type WaitTerms,
} from "./wait-terms.ts";

/** A shared queue at one moment. */
export interface SharedQueueSnapshot {
  readonly name: string;
  readonly phase: "open" | "closed";
  readonly capacity: number;
  /** Items that wait in the queue. */
  readonly size: number;
  /** Those, and what somebody holds. */
  readonly unfinished: number;
  /** How often an item came back because the thread that held it died. */
  readonly lossCount: number;
  readonly holders: readonly SharedHolder[];
}

/**
 * A bounded queue in shared memory, for any number of threads of one process, each of which may put
 * and take. Send `queue.handle` to a thread and open it there with {@link SharedQueue.from}.
 *
 * Event loops use the promises; threads that have no loop to keep free may block in `putSync` and
 * `getSync`. An item is unfinished until its holder settles it, so that `join` means that the work
 * is done. When a thread dies, what it held goes back to the queue within a quarter of a second,
 * and nobody else notices. The order is that of the puts, except for items that came back: they
 * are next.
 *
 * @example
 * import { Worker } from "node:worker_threads";
 * import { SharedQueue } from "unjam/threads";
 * const queue = new SharedQueue<number>({ name: "squares", capacity: 100 });
 * const code = `
 *   const { workerData } = require("node:worker_threads");
 *   const { SharedQueue } = require("unjam/threads");
 *   const queue = SharedQueue.from(workerData);
 *   for (;;) queue.getSync({ waitMs: Infinity }).done();
 * `;
 * const worker = new Worker(code, { eval: true, workerData: queue.handle });
 * for (let n = 0; n < 1_000; n++) await queue.put(n);
 * console.log(await queue.join()); // { done: 1000, failed: 0, errors: [] }
 * await worker.terminate();
 */
export class SharedQueue<T = unknown> {
  readonly #end: QueueEnd;

  /**
   * A new queue.
   * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID
   */
  constructor(options?: SharedQueueOptions);
  /** Not for users: `from()` makes it. */
  constructor(end: QueueEnd);
  constructor(options: SharedQueueOptions | QueueEnd = {}) {
    if (options instanceof QueueEnd) this.#end = options;
    else {
      const { name, shape, diagnostics } = readSharedQueueOptions(options);
      const memory = makeQueueMemory(shape);
      this.#end = QueueEnd.of({ kind: "unjam/shared-queue", name, memory }, diagnostics);
    }
  }

  /**
   * The queue that another thread made.
   * @throws UNJAM_HANDLE_INVALID, UNJAM_TOO_MANY_THREADS when 254 threads have it open
   */
  static from<T = unknown>(
    handle: SharedQueueHandle,
    options: Pick<SharedQueueOptions, "diagnostics"> = {},
  ): SharedQueue<T> {
    return new SharedQueue<T>(QueueEnd.of(readQueueHandle(handle), options.diagnostics));
  }

  /** What another thread needs to open it: plain data for `workerData` and `postMessage`. */
  get handle(): SharedQueueHandle {
    return this.#end.handle;
  }

  get name(): string {
    return this.#end.name;
  }

  get capacity(): number {
    return this.#end.engine.memory.shape.capacity;
  }

  /** Items that wait in the queue. */
  get size(): number {
    return this.#end.engine.size;
  }

  /** Items that were let in and are not settled: those that wait, and those that somebody holds. */
  get unfinished(): number {
    return this.#end.engine.census.unfinishedCount;
  }

  /**
   * Adds an item; resolves when it is in the queue. While the queue is full it waits, up to
   * `waitMs`, behind those of this thread who came before.
   * @throws UNJAM_QUEUE_FULL at the deadline, or UNJAM_QUEUE_MEMORY_FULL when not the places but the
   *   memory was used up; UNJAM_QUEUE_CLOSED; UNJAM_ITEM_NOT_SERIALIZABLE; UNJAM_ITEM_TOO_LARGE;
   *   UNJAM_TOO_MANY_WAITERS; the signal's reason. After any of them the item is not in the queue.
   */
  put(value: T, options?: SharedWaitOptions): Promise<void> {
    try {
      const terms = readWait(options, "queue.put()");
      const item = this.#encode(value);
      terms.signal?.throwIfAborted();
      const { room, engine } = this.#end;
      const answer = room.count === 0 ? this.#answer(engine.put(item)) : "full";
      if (answer === "added") return Promise.resolve();
      if (terms.waitMs === 0) throw this.#full(answer, 0);
      if (room.count >= SHARED_WAITERS_MAX) throw this.#tooMany(`room in queue "${this.name}"`);
      return this.#waitForRoom(item, terms);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Adds an item if there is room now. @throws UNJAM_ITEM_NOT_SERIALIZABLE, UNJAM_ITEM_TOO_LARGE */
  tryPut(value: T): boolean {
    const item = this.#encode(value);
    return this.#end.room.count === 0 && this.#end.engine.put(item) === "added";
  }

  /**
   * Adds an item, and blocks the thread while the queue is full.
   * @throws as `put`; UNJAM_BLOCKING_ON_MAIN on the main thread
   */
  putSync(value: T, options?: BlockingWaitOptions): void {
    const call = { where: "queue.putSync()", instead: "await queue.put()" };
    const { waitMs } = readBlockingWait(options, call);
    const item = this.#encode(value);
    const { engine } = this.#end;
    let answer = this.#answer(engine.put(item));
    if (answer === "added") return;
    const isIn = waitAtBell(engine.memory.roomBell, {
      attempt: () => {
        answer = this.#answer(engine.put(item));
        return answer === "added" ? true : undefined;
      },
      isMoreThere: () => engine.isRoomThere(),
      look: () => engine.sweep(false),
      waitMs,
    });
    if (isIn === undefined) throw this.#full(answer, waitMs);
  }

  /**
   * Takes the next item, waiting for one up to `waitMs`. The lease must be settled.
   * @throws UNJAM_WAIT_TIMEOUT, UNJAM_QUEUE_CLOSED when it is closed and empty,
   *   UNJAM_TOO_MANY_WAITERS, the signal's reason. After any of them no item was taken.
   */
  get(options?: SharedWaitOptions): Promise<SharedLease<T>> {
    try {
      const terms = readWait(options, "queue.get()");
      const { items, sites } = this.#end;
      const site = sites.sample(this.get);
      const lease = items.count === 0 ? this.#takeOrEnd(site) : undefined;
      if (lease !== undefined) return Promise.resolve(lease);
      if (terms.waitMs === 0) throw this.#nothing(0);
      if (items.count >= SHARED_WAITERS_MAX) throw this.#tooMany(`an item of queue "${this.name}"`);
      const late = (waitMs: number): Error => this.#nothing(waitMs);
      return items.wait(terms, { attempt: () => this.#takeOrEnd(site), late }).promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The next item, or `undefined` when there is none now. */
  tryGet(): SharedLease<T> | undefined {
    return this.#end.items.count === 0
      ? this.#take(this.#end.sites.sample(this.tryGet))
      : undefined;
  }

  /**
   * Takes the next item, and blocks the thread until there is one.
   * @throws as `get`; UNJAM_BLOCKING_ON_MAIN on the main thread
   */
  getSync(options?: BlockingWaitOptions): SharedLease<T> {
    const call = { where: "queue.getSync()", instead: "await queue.get()" };
    const { waitMs } = readBlockingWait(options, call);
    const { engine, sites } = this.#end;
    const site = sites.sample(this.getSync);
    const lease =
      this.#takeOrEnd(site) ??
      waitAtBell(engine.memory.itemBell, {
        attempt: () => this.#takeOrEnd(site),
        isMoreThere: () => engine.isItemThere(),
        look: () => engine.sweep(false),
        waitMs,
      });
    if (lease === undefined) throw this.#nothing(waitMs);
    return lease;
  }

  /**
   * A loop over the items, until the queue is closed and empty. Each item is done when the next is
   * asked for or the loop is left.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const lease = await this.#next();
      if (lease === undefined) return;
      try {
        yield lease.value;
      } finally {
        lease[Symbol.dispose]();
      }
    }
  }

  /**
   * Resolves when nothing is unfinished, whoever holds it, with what was done and failed since the
   * last join that resolved. Items that are put meanwhile count too.
   * @throws UNJAM_JOIN_TIMEOUT, whose `details.unfinished` names which thread holds what, since when
   *   and taken where; the signal's reason. The work goes on.
   */
  join(options?: SharedWaitOptions): Promise<JoinResult> {
    try {
      const terms = readWait(options, "queue.join()");
      const late = (waitMs: number): Error => this.#unfinished(waitMs);
      return this.#end.finish.wait(terms, { attempt: () => this.#result(), late }).promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Refuses producers of all threads from now on, also those that wait for room. Consumers finish
   * what is in the queue; with `drop` it is taken out and counts neither as done nor as failed.
   * Closing twice is harmless.
   * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION
   */
  close(options?: { readonly drop?: boolean }): void {
    const { drop } = readOptions(CLOSE_QUEUE_OPTIONS, options, "queue.close()");
    this.#end.engine.close(drop);
  }

  /** Who holds what, since when. */
  holders(): readonly SharedHolder[] {
    return this.#end.engine.census.holders();
  }

  snapshot(): SharedQueueSnapshot {
    const { engine } = this.#end;
    return {
      ...{ name: this.name, capacity: this.capacity, size: this.size },
      phase: engine.isClosed ? "closed" : "open",
      unfinished: this.unfinished,
      lossCount: engine.census.lossCount,
      holders: this.holders(),
    };
  }

  /**
   * This thread has no more use for the queue: what it holds goes back, and its leases cannot be
   * settled any more. The queue lives on in the other threads. A thread that ends need not call it.
   */
  [Symbol.dispose](): void {
    this.#end.engine.leave();
  }

  /** Runs what user code there is, before anything is touched. */
  #encode(value: T): EncodedItem {
    const { engine, name } = this.#end;
    const { format, itemBytesMax } = engine.memory.shape;
    const item = encodeItem(value, format, name);
    if (item.kind === "text" && item.text.length * 3 <= itemBytesMax) return item;
    const bytes = bytesOf(item);
    if (bytes <= itemBytesMax) return item;
    throw new UnjamError("UNJAM_ITEM_TOO_LARGE", { queue: name, bytes, bytesMax: itemBytesMax });
  }

  #waitForRoom(item: EncodedItem, terms: WaitTerms): Promise<void> {
    const { room, engine } = this.#end;
    let answer: PutAnswer = "full";
    const attempt = (): typeof ADDED | undefined => {
      answer = this.#answer(engine.put(item));
      return answer === "added" ? ADDED : undefined;
    };
    const late = (waitMs: number): Error => this.#full(answer, waitMs);
    return room.wait(terms, { attempt, late }).promise.then(nothing);
  }

  /** @throws UNJAM_QUEUE_CLOSED */
  #answer(answer: PutAnswer): PutAnswer {
    if (answer === "closed") throw new UnjamError("UNJAM_QUEUE_CLOSED", { queue: this.name });
    return answer;
  }

  #take(site: CallSite | undefined): SharedLease<T> | undefined {
    const { engine } = this.#end;
    const taken = engine.take(site);
    if (taken === undefined) return undefined;
    const lease = new SharedLease<T>({ end: this.#end, taken, site });
    engine.delivered();
    return lease;
  }

  /** @throws UNJAM_QUEUE_CLOSED when nothing is there and nothing will come */
  #takeOrEnd(site: CallSite | undefined): SharedLease<T> | undefined {
    const { engine } = this.#end;
    // Asked before the look: what is put in between is taken out again by who put it.
    const { isClosed } = engine;
    const lease = this.#take(site);
    if (lease === undefined && isClosed) {
      throw new UnjamError("UNJAM_QUEUE_CLOSED", { queue: this.name });
    }
    return lease;
  }

  async #next(): Promise<SharedLease<T> | undefined> {
    try {
      return await this.get({ waitMs: Number.POSITIVE_INFINITY });
    } catch (error) {
      if (isUnjamError(error, "UNJAM_QUEUE_CLOSED")) return undefined;
      throw error;
    }
  }

  #result(): JoinResult | undefined {
    const { engine } = this.#end;
    if (!engine.census.isFinished()) return undefined;
    const counts = engine.census.counts();
    const errors = engine.memory.failures.all();
    engine.census.tell(counts);
    return { ...counts, errors };
  }

  #full(answer: PutAnswer, waitedMs: number): UnjamError {
    const { name, capacity } = this;
    const reason = NO_MEMORY[answer];
    if (reason === undefined) {
      return new UnjamError("UNJAM_QUEUE_FULL", { queue: name, capacity, waitedMs });
    }
    return new UnjamError("UNJAM_QUEUE_MEMORY_FULL", { queue: name, reason, waitedMs });
  }

  #nothing(waitedMs: number): UnjamError {
    const what = `the wait for an item of queue "${this.name}"`;
    return new UnjamError("UNJAM_WAIT_TIMEOUT", { what, waitedMs, state: "empty" });
  }

  #tooMany(what: string): UnjamError {
    const { name: queue } = this;
    return new UnjamError("UNJAM_TOO_MANY_WAITERS", {
      what,
      queue,
      waitersMax: SHARED_WAITERS_MAX,
    });
  }

  #unfinished(waitedMs: number): UnjamError {
    const { engine, name } = this.#end;
    const held = engine.census.holders().map(({ value, holder, sinceMs, site, siteKind }) => ({
      ...{ id: "", task: value, queue: name, state: "taken", holder, sinceMs, site, siteKind },
    }));
    const waiting = engine.census.waiting(UNFINISHED_NAMED_MAX).map((value) => ({
      ...{ id: "", task: value, queue: name, state: "waiting", holder: null, sinceMs: null },
    }));
    const unfinished = [...held, ...waiting].slice(0, UNFINISHED_NAMED_MAX);
    const unfinishedCount = engine.census.unfinishedCount;
    return new UnjamError("UNJAM_JOIN_TIMEOUT", { waitedMs, unfinishedCount, unfinished });
  }
}

const ADDED = { answer: "added" } as const;

function nothing(): void {}

/** What was used up when it was not the places. */
const NO_MEMORY: Readonly<Partial<Record<PutAnswer, string>>> = {
  held: "as many items are held as heldMax allows",
  large: "largeBytesMax is used up by other large items",
};
