/* oxlint-disable typescript/unbound-method -- methods name themselves, as the function that a stack begins below. */
import { LOCK_OPTIONS } from "../core/option-tables.ts";
import { PERMITS_MAX } from "../core/limits.ts";
import { invalid, readOptions } from "../core/options.ts";
import type { Guard } from "./guard.ts";
import type { LockEventMap, LockEventName } from "./lock-events.ts";
import { type LockOptions, type LockWaitOptions, readTerms } from "./lock-options.ts";
import { type Holder, Permits } from "./permits.ts";
import { defaultSyncPorts, type SyncPorts } from "./sync-ports.ts";

/**
 * So many at a time, first come first served, inside one process. Waits, errors and the detection
 * of deadlocks are those of {@link Mutex}; the order of locks is only watched with one permit.
 *
 * @example
 * import { Semaphore } from "unjam/sync";
 * const downloads = new Semaphore(2, { name: "downloads" });
 * const pages = await Promise.all(
 *   ["a", "b", "c"].map((page) => downloads.run(async () => page.toUpperCase())),
 * );
 * console.log(pages); // [ 'A', 'B', 'C' ]
 */
export class Semaphore {
  readonly #permits: Permits;

  /**
   * @param permits how many may be inside at once, 1 to 1,000,000
   * @param ports for tests: time that moves by hand
   * @throws UNJAM_INVALID_OPTION, UNJAM_UNKNOWN_OPTION
   */
  constructor(permits: number, options?: LockOptions, ports: SyncPorts = defaultSyncPorts) {
    if (!Number.isInteger(permits) || permits < 1 || permits > PERMITS_MAX) {
      const wanted = `a whole number from 1 to ${PERMITS_MAX}`;
      throw invalid("permits", "new Semaphore()", wanted, permits);
    }
    const read = readOptions(LOCK_OPTIONS, options, "new Semaphore()");
    this.#permits = new Permits({ kind: "semaphore", count: permits }, read, ports);
  }

  /** How many permits are free. */
  get free(): number {
    return this.#permits.freeCount;
  }

  /** How many calls wait for a permit. */
  get waiters(): number {
    return this.#permits.waitersCount;
  }

  /**
   * Waits for a permit. Await the promise itself: a deadlock is only found where it is awaited by
   * async functions, directly or through `Promise.all`.
   * @throws UNJAM_WAIT_TIMEOUT after `waitMs`, UNJAM_DEADLOCK, UNJAM_TOO_MANY_WAITERS, the reason
   *   of the signal, UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION; nothing is held then, nor later
   */
  lock(options?: LockWaitOptions): Promise<Guard> {
    const terms = readTerms(options, "semaphore.lock()");
    return terms instanceof Promise ? terms : this.#permits.take(terms, this.lock);
  }

  /** A permit if one is free right now, else `undefined`. */
  tryLock(): Guard | undefined {
    return this.#permits.tryTake(this.tryLock);
  }

  /**
   * Calls `fn` with a permit and resolves with what it returns. `waitMs` and `signal` end the wait
   * only: once `fn` has begun, it has the permit until it is over.
   * @throws what `lock()` throws, as UNJAM_WAIT_TIMEOUT: `fn` is not called then, nor later; what
   *   `fn` throws; UNJAM_INVALID_OPTION when it is no function
   */
  run<T>(fn: () => T | PromiseLike<T>, options?: LockWaitOptions): Promise<T> {
    const terms = readTerms(options, "semaphore.run()", fn);
    return terms instanceof Promise ? terms : this.#permits.run(fn, terms, this.run);
  }

  /** Who holds permits, where they were taken, and for how long. */
  holders(): readonly Holder[] {
    return this.#permits.holders();
  }

  /**
   * Calls `listener` at each such event, until the function that it returns is called.
   * What it throws goes to the log.
   * @throws UNJAM_INVALID_OPTION for an unknown event, or a listener that is no function
   */
  on<N extends LockEventName>(event: N, listener: (data: LockEventMap[N]) => void): () => void {
    return this.#permits.events.on(event, listener);
  }
}
