/* oxlint-disable typescript/unbound-method -- methods name themselves, as the function that a stack begins below. */
import { SHARED_LOCK_OPTIONS } from "../../core/shared-option-tables.ts";
import { readOptions } from "../../core/options.ts";
import type { Guard } from "../../sync/guard.ts";
import type { LockEventMap } from "../../sync/lock-events.ts";
import { makeLockMemory, readLockHandle, type SharedLockHandle } from "./lock-memory.ts";
import type { SharedLockHolder } from "./permit-table.ts";
import type { SharedLockOptions } from "./shared-lock-options.ts";
import { newLocksBoard, SharedPermits, type UnderLock } from "./shared-permits.ts";
import {
  type BlockingWaitOptions,
  readBlockingWait,
  readWait,
  type SharedWaitOptions,
} from "./wait-terms.ts";

/**
 * One at a time, among all threads of a process. Send `mutex.handle` to a thread and open it there
 * with {@link SharedMutex.from}.
 *
 * Every wait ends: with the lock, at its deadline (30 s unless `waitMs` says otherwise), by its
 * signal, or with UNJAM_DEADLOCK when those who could end it wait for each other, in whatever
 * threads. When the thread that holds it dies, the next one gets it within a quarter of a second,
 * and is told so by `guard.formerDied`. Waiters are served in no strict order, but none for long
 * after those who came later. A mutex is not re-entrant.
 *
 * @example
 * import { Worker } from "node:worker_threads";
 * import { SharedMutex } from "unjam/threads";
 * const hits = new SharedMutex({ name: "hits" });
 * const memory = new SharedArrayBuffer(4);
 * const code = `
 *   const { workerData } = require("node:worker_threads");
 *   const { SharedMutex } = require("unjam/threads");
 *   const hits = SharedMutex.from(workerData.handle);
 *   const count = new Int32Array(workerData.memory);
 *   for (let n = 0; n < 1_000; n++) hits.runSync(() => count[0]++);
 * `;
 * const workerData = { handle: hits.handle, memory };
 * const workers = [1, 2].map(() => new Worker(code, { eval: true, workerData }));
 * await Promise.all(workers.map((worker) => new Promise((done) => worker.once("exit", done))));
 * console.log(new Int32Array(memory)[0]); // 2000
 */
export class SharedMutex {
  readonly #permits: SharedPermits;

  /** @throws UNJAM_INVALID_OPTION, UNJAM_UNKNOWN_OPTION */
  constructor(options?: SharedLockOptions);
  /** Not for users: `from()` makes it. */
  constructor(permits: SharedPermits);
  constructor(options: SharedLockOptions | SharedPermits = {}) {
    if (options instanceof SharedPermits) this.#permits = options;
    else {
      const { name, diagnostics } = readOptions(SHARED_LOCK_OPTIONS, options, "new SharedMutex()");
      const board = newLocksBoard().memory;
      const memory = makeLockMemory(1);
      const handle = { kind: "unjam/shared-mutex", name: name ?? "", memory, board } as const;
      this.#permits = SharedPermits.of(handle, diagnostics);
    }
  }

  /** The mutex that another thread made. @throws UNJAM_HANDLE_INVALID, UNJAM_TOO_MANY_THREADS */
  static from(
    handle: SharedLockHandle<"mutex">,
    options: Pick<SharedLockOptions, "diagnostics"> = {},
  ): SharedMutex {
    return new SharedMutex(SharedPermits.of(readLockHandle(handle, "mutex"), options.diagnostics));
  }

  /** What another thread needs to open it. */
  get handle(): SharedLockHandle<"mutex"> {
    return readLockHandle(this.#permits.handle, "mutex");
  }

  get isLocked(): boolean {
    return this.#permits.table.freeCount === 0;
  }

  /** How many calls of this thread's event loop wait for it. */
  get waiters(): number {
    return this.#permits.waitersCount;
  }

  /**
   * Waits for the lock; the loop goes on meanwhile. Await the promise itself: a deadlock is only
   * found where it is awaited by async functions, directly or through `Promise.all`.
   * @throws UNJAM_WAIT_TIMEOUT after `waitMs`, UNJAM_DEADLOCK, the reason of the signal,
   *   UNJAM_INVALID_OPTION; nothing is held then
   */
  lock(options?: SharedWaitOptions): Promise<Guard> {
    try {
      return this.#permits.take(readWait(options, "mutex.lock()"), this.lock);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Waits for the lock, and blocks the thread. @throws as `lock`; UNJAM_BLOCKING_ON_MAIN */
  lockSync(options?: BlockingWaitOptions): Guard {
    const call = { where: "mutex.lockSync()", instead: "await mutex.lock()" };
    return this.#permits.takeSync(readBlockingWait(options, call), this.lockSync);
  }

  /** The lock if it is free right now, else `undefined`. */
  tryLock(): Guard | undefined {
    return this.#permits.tryTake(this.tryLock);
  }

  /** Calls `fn` under the lock and resolves with what it returns. @throws as `lock`, and what `fn` throws */
  run<T>(fn: UnderLock<T | PromiseLike<T>>, options?: SharedWaitOptions): Promise<T> {
    try {
      return this.#permits.run(fn, readWait(options, "mutex.run()"), this.run);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Calls `fn` under the lock, blocking the thread until it has it. `fn` must not be async.
   * @throws as `lockSync`, and what `fn` throws
   */
  runSync<T>(fn: UnderLock<T>, options?: BlockingWaitOptions): T {
    const call = { where: "mutex.runSync()", instead: "await mutex.run()" };
    return this.#permits.runSync(fn, readBlockingWait(options, call), this.runSync);
  }

  /** Who holds it, where it was taken, and for how long. */
  holders(): readonly SharedLockHolder[] {
    return this.#permits.holders();
  }

  /**
   * Calls `listener` when the collector finds a guard of this thread that nobody released, until
   * the function that it returns is called. @throws UNJAM_INVALID_OPTION for an unknown event
   */
  on(event: "guard-lost", listener: (data: LockEventMap["guard-lost"]) => void): () => void {
    return this.#permits.events.on(event, listener);
  }
}
