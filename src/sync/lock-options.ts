import type { Logger } from "../core/job-context.ts";
import { TIMER_MS_MAX, WAIT_MS_DEFAULT } from "../core/limits.ts";
import { LOCK_WAIT_OPTIONS } from "../core/option-tables.ts";
import { invalid, readOptions, readSignal } from "../core/options.ts";
import type { Diagnostics } from "./call-site.ts";
import type { WaitTerms } from "./permits.ts";

/** How a lock is made. */
export interface LockOptions {
  /** How errors and reports call it, 1 to 128 characters. Default: "a mutex", "a semaphore". */
  readonly name?: string | undefined;
  /** How often the code that takes the lock is noted: see {@link Diagnostics}. */
  readonly diagnostics?: Diagnostics | undefined;
  /** Calls that may wait at once, 0 to 1,000,000; the next is refused. Default 1,000. */
  readonly waitersMax?: number | undefined;
  /** Where warnings go, of locks taken in both orders and of lost guards: a pino-shaped logger. Default `console`. */
  readonly logger?: Logger | undefined;
}

/** One wait for a lock. It ends the wait only: what already runs under the lock goes on. */
export interface LockWaitOptions {
  /**
   * How long the call may wait, in milliseconds, 0 or more. Default 30,000. 0 gets a lock that is
   * free, and does not stay in line for one that is not. `Infinity`, which must be written, waits
   * for ever; any other number above 2,147,483,647 counts as that.
   */
  readonly waitMs?: number | undefined;
  /** Ends the wait; the promise then rejects with its reason. Does nothing once the lock is held. */
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_TERMS: WaitTerms = { waitMs: WAIT_MS_DEFAULT, signal: undefined };

/** What a call was given, or its refusal. Runs all code of the caller that reading may run. */
export function readTerms(
  ...[options, where, ...fn]: [options: unknown, where: string, fn?: unknown]
): WaitTerms | Promise<never> {
  try {
    if (fn.length > 0 && typeof fn[0] !== "function") {
      throw invalid("fn", where, "a function", fn[0]);
    }
    if (options === undefined) return DEFAULT_TERMS;
    const { waitMs, signal } = readOptions(LOCK_WAIT_OPTIONS, options, where);
    return {
      waitMs: waitMs === Infinity ? waitMs : Math.min(waitMs, TIMER_MS_MAX),
      signal: readSignal(signal, where),
    };
  } catch (error) {
    return Promise.reject(error);
  }
}
