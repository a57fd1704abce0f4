import { isMainThread } from "node:worker_threads";
import { UnjamError } from "../../core/errors.ts";
import { TIMER_MS_MAX, WAIT_MS_DEFAULT } from "../../core/limits.ts";
import { readOptions, readSignal } from "../../core/options.ts";
import { BLOCKING_WAIT_OPTIONS } from "../../core/shared-option-tables.ts";
import { WAIT_OPTIONS } from "../../core/sync-option-tables.ts";

/** A wait of an event loop. */
export interface SharedWaitOptions {
  /** Default 30_000; `Infinity` waits for ever, and only when it is written. */
  readonly waitMs?: number | undefined;
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A wait that blocks its thread, where no signal could be heard. */
export interface BlockingWaitOptions {
  /** Default 30_000; `Infinity` waits for ever, and only when it is written. */
  readonly waitMs?: number | undefined;
}

/** A wait, read and checked. */
export interface WaitTerms {
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

const DEFAULT_TERMS: WaitTerms = { waitMs: WAIT_MS_DEFAULT, signal: undefined };

/** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, the reason of a signal that is aborted */
export function readWait(options: SharedWaitOptions | undefined, where: string): WaitTerms {
  if (options === undefined) return DEFAULT_TERMS;
  const plain = readPlain(options);
  if (plain !== undefined) return { waitMs: inTimers(plain.waitMs), signal: undefined };
  const { waitMs, signal } = readOptions(WAIT_OPTIONS, options, where);
  const read = readSignal(signal, where);
  read?.throwIfAborted();
  return { waitMs: inTimers(waitMs), signal: read };
}

/**
 * The terms of a call that blocks its thread.
 * @throws UNJAM_BLOCKING_ON_MAIN, UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION
 */
export function readBlockingWait(
  options: BlockingWaitOptions | undefined,
  call: { readonly where: string; readonly instead: string },
): WaitTerms {
  if (isMainThread) throw new UnjamError("UNJAM_BLOCKING_ON_MAIN", call);
  if (options === undefined) return DEFAULT_TERMS;
  const { waitMs } = readPlain(options) ?? readOptions(BLOCKING_WAIT_OPTIONS, options, call.where);
  return { waitMs: inTimers(waitMs), signal: undefined };
}

/** What most callers write, without the microsecond that a table takes. */
function readPlain(options: SharedWaitOptions): { readonly waitMs: number } | undefined {
  const keys = Object.keys(options);
  if (keys.length !== 1 || keys[0] !== "waitMs") return undefined;
  const { waitMs } = options;
  return typeof waitMs === "number" && waitMs >= 0 ? { waitMs } : undefined;
}

function inTimers(waitMs: number): number {
  return waitMs === Number.POSITIVE_INFINITY ? waitMs : Math.min(waitMs, TIMER_MS_MAX);
}
