/* oxlint-disable typescript/unbound-method -- methods name themselves, as the function that a stack begins below. */
import { SHARED_LOCK_OPTIONS } from "../../core/shared-option-tables.ts";
import { SHARED_PERMITS_MAX } from "../../core/limits.ts";
import { invalid, readOptions } from "../../core/options.ts";
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
 * So many at a time, among all threads of a process. Waits, errors, the deaths of holders and the
 * detection of deadlocks are those of {@link SharedMutex}.
 *
 * @example
 * import { SharedSemaphore } from "unjam/threads";
 * const downloads = new SharedSemaphore(2, { name: "downloads" });
 * const pages = await Promise.all(
 *   ["a", "b", "c"].map((page) => downloads.run(async () => page.toUpperCase())),
 * );
 * console.log(pages); // [ 'A', 'B', 'C' ]
 */
export class SharedSemaphore {
  readonly #permits: SharedPermits;

  /**
   * @param permits how many may be inside at once, 1 to 1,024
   * @throws UNJAM_INVALID_OPTION, UNJAM_UNKNOWN_OPTION
   */
  constructor(permits: number, options?: SharedLockOptions);
  /** Not for users: `from()` makes it. */
  constructor(permits: SharedPermits);
  constructor(permits: number | SharedPermits, options: SharedLockOptions = {}) {
    if (permits instanceof SharedPermits) this.#permits = permits;
    else {
      if (!Number.isInteger(permits) || permits < 1 || permits > SHARED_PERMITS_MAX) {
        const wanted = `a whole number from 1 to ${SHARED_PERMITS_MAX}`;
        throw invalid("permits", "new SharedSemaphore()", wanted, permits);
      }
      const { name, diagnostics } = readOptions(
        SHARED_LOCK_OPTIONS,
        options,
        "new SharedSemaphore()",
      );
      const board = newLocksBoard().memory;
      const memory = makeLockMemory(permits);
      const handle = { kind: "unjam/shared-semaphore", name: name ?? "", memory, board } as const;
      this.#permits = SharedPermits.of(handle, diagnostics);
    }
  }

  /** The semaphore that another thread made. @throws UNJAM_HANDLE_INVALID, UNJAM_TOO_MANY_THREADS */
  static from(
    handle: SharedLockHandle<"semaphore">,
    options: Pick<SharedLockOptions, "diagnostics"> = {},
  ): SharedSemaphore {
    return new SharedSemaphore(
      SharedPermits.of(readLockHandle(handle, "semaphore"), options.diagnostics),
    );
  }

  /** What another thread needs to open it. */
  get handle(): SharedLockHandle<"semaphore"> {
    return readLockHandle(this.#permits.handle, "semaphore");
  }

  /** How many permits are free. */
  get free(): number {
    return this.#permits.table.freeCount;
  }

  /** How many calls of this thread's event loop wait for a permit. */
  get waiters(): number {
    return this.#permits.waitersCount;
  }

  /**
   * Waits for a permit; the loop goes on meanwhile. Await the promise itself: a deadlock is only
   * found where it is awaited by async functions, directly or through `Promise.all`.
   * @throws UNJAM_WAIT_TIMEOUT after `waitMs`, UNJAM_DEADLOCK, the reason of the signal,
   *   UNJAM_INVALID_OPTION; nothing is held then
   */
  lock(options?: SharedWaitOptions): Promise<Guard> {
    try {
      return this.#permits.take(readWait(options, "semaphore.lock()"), this.lock);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Waits for a permit, and blocks the thread. @throws as `lock`; UNJAM_BLOCKING_ON_MAIN */
  lockSync(options?: BlockingWaitOptions): Guard {
    const call = { where: "semaphore.lockSync()", instead: "await semaphore.lock()" };
    return this.#permits.takeSync(readBlockingWait(options, call), this.lockSync);
  }

  /** A permit if one is free right now, else `undefined`. */
  tryLock(): Guard | undefined {
    return this.#permits.tryTake(this.tryLock);
  }

  /** Calls `fn` with a permit and resolves with what it returns. @throws as `lock`, and what `fn` throws */
  run<T>(fn: UnderLock<T | PromiseLike<T>>, options?: SharedWaitOptions): Promise<T> {
    try {
      return this.#permits.run(fn, readWait(options, "semaphore.run()"), this.run);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Calls `fn` with a permit, blocking the thread until it has one. `fn` must not be async.
   * @throws as `lockSync`, and what `fn` throws
   */
  runSync<T>(fn: UnderLock<T>, options?: BlockingWaitOptions): T {
    const call = { where: "semaphore.runSync()", instead: "await semaphore.run()" };
    return this.#permits.runSync(fn, readBlockingWait(options, call), this.runSync);
  }

  /** Who holds permits, where they were taken, and for how long. */
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
