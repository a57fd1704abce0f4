import { UnjamError } from "../../core/errors.ts";
import { readOptions, readSignal } from "../../core/options.ts";
import { CLOSE_POOL_OPTIONS, WARM_UP_OPTIONS } from "../../core/pool-option-tables.ts";
import { type Calls, callsOf } from "./calls.ts";
import { PoolCore } from "./pool-core.ts";
import { readPoolOptions, type ThreadPoolOptions } from "./pool-options.ts";
import type { PoolStats } from "./pool-stats.ts";

/**
 * Runs the exported functions of a module on threads.
 *
 * Each call has a deadline, and ends at it whatever the function does: it is told to stop by its
 * signal, and a thread that does not hear that is ended and replaced, by a supervisor thread that
 * also does so while the caller's own loop is blocked. One call runs on a thread at a time, so a
 * call that kills its thread takes no other with it.
 *
 * @typeParam Module `typeof import("./work.ts")`: gives `call` its functions and their types.
 *
 * @example
 * import { ThreadPool } from "unjam/threads";
 * const module = new URL("data:text/javascript,export const double = (n) => 2 * n");
 * const pool = new ThreadPool<{ double(n: number): number }>({ module, threads: 2 });
 * console.log(await pool.call.double(21, { timeoutMs: 1_000 }));
 * await pool.close();
 */
export class ThreadPool<Module extends object> implements AsyncDisposable, Disposable {
  readonly #core: PoolCore;
  /**
   * The module's functions: `pool.call.resize(input, { timeoutMs, signal, transfer })`. The input
   * is read before the call returns; what is changed afterwards does not count. Values arrive as
   * `structuredClone` would make them.
   *
   * Rejects with what the function threw, with the reason of `signal`, and with UNJAM_CALL_TIMEOUT,
   * UNJAM_CALL_LOST (its thread died), UNJAM_QUEUE_FULL, UNJAM_CALL_UNKNOWN,
   * UNJAM_CALL_NOT_CLONEABLE, UNJAM_POOL_MODULE_FAILED, UNJAM_POOL_CLOSED, UNJAM_BROKEN.
   */
  readonly call: Calls<Module>;

  /** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_POOL_MODULE_NOT_FOUND */
  constructor(options: ThreadPoolOptions) {
    const core = new PoolCore(readPoolOptions(options));
    this.#core = core;
    const calls = callsOf((name) => {
      const target = core.target(name);
      return (input, given) => core.call(target, input, given);
    });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the thread refuses names that the module has not.
    this.call = calls as Calls<Module>;
  }

  get name(): string {
    return this.#core.settings.name;
  }

  /**
   * Starts all threads and waits until they have loaded the module, so that the first calls do not
   * wait for that. `waitMs` default 30_000.
   *
   * @throws UNJAM_POOL_MODULE_FAILED, UNJAM_WAIT_TIMEOUT, UNJAM_POOL_CLOSED
   */
  async warmUp(options?: {
    readonly waitMs?: number;
    readonly signal?: AbortSignal;
  }): Promise<void> {
    const { waitMs, signal: given } = readOptions(WARM_UP_OPTIONS, options, "warmUp()");
    const signal = readSignal(given, "warmUp()");
    const { threads, name, ports } = this.#core.settings;
    const until = ports.clock.now() + waitMs;
    const ready = await this.#core.warmUp(threads, { until, signal });
    if (ready >= threads) return;
    const what = `the start of the ${threads} threads of pool "${name}"`;
    const state = `${ready} are ready`;
    throw new UnjamError("UNJAM_WAIT_TIMEOUT", { what, waitedMs: waitMs, state });
  }

  /** Counts, times and use of the threads, since the pool was made. */
  stats(): PoolStats {
    return this.#core.stats();
  }

  /**
   * Refuses new calls, gives those that there are `graceMs` (default 25_000) to finish, rejects the
   * rest with UNJAM_POOL_CLOSED, and ends the threads. Resolves when they are ended; one that sits
   * in native code is waited for 5 s. Closing twice is harmless.
   */
  async close(options?: { readonly graceMs?: number }): Promise<void> {
    const { graceMs } = readOptions(CLOSE_POOL_OPTIONS, options, "close()");
    await this.#core.close(this.#core.settings.ports.clock.now() + graceMs);
  }

  /** As `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends all calls and threads at once, as `close({ graceMs: 0 })` does, without waiting for it. */
  [Symbol.dispose](): void {
    void this.#core.end();
  }
}
