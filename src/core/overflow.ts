import type { Backoff } from "./backoff.ts";
import { BACKOFF_OPTIONS } from "./option-tables.ts";
import { invalid, readOptions } from "./options.ts";

/**
 * What a full queue means for one who adds: wait in line, be refused at once, lose the newest or
 * the oldest that nobody holds, or come back by backoff instead of waiting in line. Who waits or
 * comes back does so until the deadline of the call.
 */
export type Overflow =
  | "wait"
  | "reject"
  | "drop-newest"
  | "drop-oldest"
  | { readonly retry: Backoff };

/**
 * The part of it that stores do, in the transaction that finds the queue full: a job stays out, is
 * stored as dropped, or goes in and those that came first and still wait are dropped, as many as
 * it takes and at most DROPS_MAX.
 */
export type StoreOverflow = "refuse" | "drop-newest" | "drop-oldest";

export function storeOverflow(overflow: Overflow): StoreOverflow {
  return overflow === "drop-newest" || overflow === "drop-oldest" ? overflow : "refuse";
}

/**
 * An {@link Overflow} as callers write it. What a backoff leaves out has its default: 1,000 ms at
 * first, twice as long each time, at most 300,000 ms, a fifth more or less by chance.
 */
export type OverflowOption = Exclude<Overflow, object> | { readonly retry: Partial<Backoff> };

const WORDS: readonly unknown[] = ["wait", "reject", "drop-newest", "drop-oldest"];

/** @throws UNJAM_INVALID_OPTION, UNJAM_UNKNOWN_OPTION */
export function readOverflow(value: unknown, where: string): Overflow | undefined {
  if (value === undefined || isWord(value)) return value;
  if (typeof value === "object" && value !== null && "retry" in value) {
    return { retry: readOptions(BACKOFF_OPTIONS, value.retry, `${where} whenFull.retry`) };
  }
  const wanted = '"wait", "reject", "drop-newest", "drop-oldest" or { retry: backoff }';
  throw invalid("whenFull", where, wanted, value);
}

function isWord(value: unknown): value is Exclude<Overflow, object> {
  return WORDS.includes(value);
}
