import type { EpochMs, MonotonicMs } from "./clock.ts";
import type { JobState } from "./job-state.ts";
import { SUSPECT_LOSSES } from "./limits.ts";

/** A whole number below 2^53, made by the enqueueing side before the job is stored. */
export type JobNumber = number;
/** Rises with every claim of a job. Proof of the right to settle one attempt. */
export type Token = number;
/** One `open` that claims and settles: a row in the store. */
export type OwnerId = number;

/** What jobs enqueued alike have in common. */
export interface JobShape {
  readonly queue: string;
  readonly task: string;
  /** 0 is first, 9 is last. */
  readonly priority: number;
  /** When it may start first, by the wall clock; `null` is now. */
  readonly runAt: EpochMs | null;
  /** When it becomes worthless unless it has started; `null` is never. */
  readonly expireAt: EpochMs | null;
  /** At most one unfinished job with it per task. */
  readonly key: string | null;
  /** The id that the caller gave, also one of ours that was repeated. Unique per store. */
  readonly callerId: string | null;
  /** JSON object text with what this version does not know by name (trace context, later fields). */
  readonly extra: string | null;
}

/** A claimed job: what an attempt needs, and no more, because it crosses threads. */
export interface ClaimedJob {
  readonly id: JobNumber;
  readonly token: Token;
  readonly queue: string;
  readonly task: string;
  /** JSON text, serialised once, by the enqueueing side. */
  readonly payload: string;
  /** Attempts that are known to have started before this one. */
  readonly attempt: number;
  readonly losses: number;
  readonly extra: string | null;
}

/** Whether it has been lost so often that it may be the cause. */
export function isSuspect({ losses }: { readonly losses: number }): boolean {
  return losses >= SUSPECT_LOSSES;
}

/** Everything a store knows about a job. */
export interface JobRecord extends JobShape {
  readonly id: JobNumber;
  readonly payload: string;
  readonly state: JobState;
  readonly attempt: number;
  readonly losses: number;
  readonly token: Token;
  readonly owner: OwnerId | null;
  readonly leaseUntil: MonotonicMs | null;
  readonly createdAt: EpochMs;
  /** When the current or last attempt was claimed. */
  readonly claimedAt: EpochMs | null;
  readonly settledAt: EpochMs | null;
  /** JSON text. */
  readonly result: string | null;
  /** JSON text of an ErrorRecord: the last attempt's. */
  readonly error: string | null;
  readonly progress: number | null;
  readonly note: string | null;
  /** The job that its running attempt waits for. */
  readonly awaits: JobNumber | null;
}

export interface Lease {
  readonly id: JobNumber;
  readonly token: Token;
}

/**
 * How one attempt ended. A value, not a method, so that outcomes can be batched and replayed.
 * `keepMs` bounds how long the settled row stays; `error` and `result` are JSON text.
 * `attempt` counts up on succeed, failForRetry, failForGood and cancel: those attempts started.
 */
export type Outcome =
  | {
      readonly event: "succeed";
      readonly result: string | null;
      /** JSON of an ErrorRecord when the job is done but its result could not be stored. */
      readonly error: string | null;
      readonly keepMs: number;
    }
  | { readonly event: "failForRetry"; readonly error: string; readonly runAt: EpochMs }
  | { readonly event: "failForGood"; readonly error: string; readonly keepMs: number }
  | { readonly event: "cancel"; readonly error: string; readonly keepMs: number }
  /** Goes back as it came: it never started, or shared a thread with a guilty job. */
  | { readonly event: "handBack" }
  /** Its owner died under it. Costs one loss and no attempt. */
  | { readonly event: "loseLease"; readonly error: string };

export interface Settlement extends Lease {
  readonly outcome: Outcome;
}
