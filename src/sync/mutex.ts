/* oxlint-disable typescript/unbound-method -- methods name themselves, as the function that a stack begins below. */
import { LOCK_OPTIONS } from "../core/option-tables.ts";
import { readOptions } from "../core/options.ts";
import type { Guard } from "./guard.ts";
import type { LockEventMap, LockEventName } from "./lock-events.ts";
import { type LockOptions, type LockWaitOptions, readTerms } from "./lock-options.ts";
import { type Holder, Permits } from "./permits.ts";
import { defaultSyncPorts, type SyncPorts } from "./sync-ports.ts";

/**
 * One at a time, first come first served, inside one process.
 *
 * Every wait ends: with the lock, at its deadline (30 s unless `waitMs` says otherwise), by its
 * signal, or early with UNJAM_DEADLOCK when those who could end it wait for each other: at once when
 * nobody else can undo that, as in `run()` and with `using`; else when it has stood for two seconds,
 * because whoever was given a plain guard may release it. The
 * error of a late wait names who holds the lock, where it was taken, and for how long. A mutex is
 * not re-entrant: a holder that locks again waits for itself, and is told so.
 *
 * @example
 * import { Mutex } from "unjam/sync";
 * const orders = new Mutex({ name: "orders" });
 * let count = 0;
 * async function book(): Promise<void> {
 *   const before = count;
 *   await Promise.resolve(); // nobody else comes in here
 *   count = before + 1;
 * }
 * const bookNext = (): Promise<void> => orders.run(book, { waitMs: 1_000 });
 * await Promise.all([bookNext(), bookNext(), bookNext()]);
 * console.log(count); // 3
 */
export class Mutex {
  readonly #permits: Permits;

  /**
   * @param ports for tests: time that moves by hand
   * @throws UNJAM_INVALID_OPTION, UNJAM_UNKNOWN_OPTION
   */
  constructor(options?: LockOptions, ports: SyncPorts = defaultSyncPorts) {
    const read = readOptions(LOCK_OPTIONS, options, "new Mutex()");
    this.#permits = new Permits({ kind: "mutex", count: 1 }, read, ports);
  }

  /** Whether somebody holds it now. */
  get isLocked(): boolean {
    return this.#permits.freeCount === 0;
  }

  /** How many calls wait for it. */
  get waiters(): number {
    return this.#permits.waitersCount;
  }

  /**
   * Waits until it is the caller's turn. Await the promise itself: a deadlock is only found where
   * it is awaited by async functions, directly or through `Promise.all`.
   * @throws UNJAM_WAIT_TIMEOUT after `waitMs`, UNJAM_DEADLOCK, UNJAM_TOO_MANY_WAITERS, the reason
   *   of the signal, UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION; nothing is held then, nor later
   */
  lock(options?: LockWaitOptions): Promise<Guard> {
    const terms = readTerms(options, "mutex.lock()");
    return terms instanceof Promise ? terms : this.#permits.take(terms, this.lock);
  }

  /** The lock if it is free right now, else `undefined`. */
  tryLock(): Guard | undefined {
    return this.#permits.tryTake(this.tryLock);
  }

  /**
   * Calls `fn` under the lock and resolves with what it returns. The surest form for the detection
   * of deadlocks, because the lock knows where `fn` ends. `waitMs` and `signal` end the wait only:
   * once `fn` has begun, it has the lock until it is over.
   * @throws what `lock()` throws, as UNJAM_WAIT_TIMEOUT: `fn` is not called then, nor later; what
   *   `fn` throws; UNJAM_INVALID_OPTION when it is no function
   */
  run<T>(fn: () => T | PromiseLike<T>, options?: LockWaitOptions): Promise<T> {
    const terms = readTerms(options, "mutex.run()", fn);
    return terms instanceof Promise ? terms : this.#permits.run(fn, terms, this.run);
  }

  /** Who holds it, where it was taken, and for how long. */
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
