import type { EpochMs, MonotonicMs } from "../../core/clock.ts";
import type { JobEvent, JobState } from "../../core/job-state.ts";
import {
  type ClaimedJob,
  isSuspect,
  type JobNumber,
  type JobRecord,
  type JobShape,
  type OwnerId,
  type Token,
} from "../../core/job.ts";
import type { MemoryQueue } from "./memory-queue.ts";
import type { OrderedMap } from "./ordered-map.ts";

/** What a new job brings. */
export interface FreshJob {
  readonly id: JobNumber;
  readonly shape: JobShape;
  readonly payload: string;
  readonly queue: MemoryQueue;
}

/** A job as this store keeps it. Only `job-table.ts` writes to one. */
export interface MemoryJob extends FreshJob {
  readonly createdAt: EpochMs;
  /** Its place in the order of arrival over all queues, for life. */
  readonly order: number;
  /** Where it waits, by order, while it is ready and no suspect. */
  readonly lane: OrderedMap<MemoryJob>;

  state: JobState;
  runAt: EpochMs | null;
  expireAt: EpochMs | null;
  attempt: number;
  losses: number;
  token: Token;
  owner: OwnerId | null;
  leaseUntil: MonotonicMs | null;
  claimedAt: EpochMs | null;
  settledAt: EpochMs | null;
  /** When its settled row may go. */
  pruneAt: EpochMs | null;
  result: string | null;
  error: string | null;
  progress: number | null;
  note: string | null;
  /** The job that its attempt with that token waits for. */
  awaits: JobNumber | null;
  awaitsToken: Token | null;
  /** The last settlement that counted: the same once more is a repeat, not a lost lease. */
  settledToken: Token | null;
  settledEvent: JobEvent | null;

  /** Index in the one heap that its state puts it into (due, leases, settled or done). */
  stateIndex: number;
  /** Index in the heap of waiting jobs that can expire. */
  expiryIndex: number;
}

/** Suspects come after all others, whose ranks are their priorities: 0 to 9. */
export const SUSPECT_RANK = 10;

/** Jobs of a lower rank are claimed first. */
export function rankOf(job: Pick<MemoryJob, "shape" | "losses">): number {
  return job.shape.priority + (isSuspect(job) ? SUSPECT_RANK : 0);
}

/** Where it waits while it is ready. */
export function laneOf(job: MemoryJob): OrderedMap<MemoryJob> {
  return isSuspect(job) ? job.queue.lane(job.shape.task, rankOf(job)) : job.lane;
}

/** A job that has just arrived: scheduled until its `runAt`, else ready. */
export function newJob(fresh: FreshJob, order: number, wallNow: EpochMs): MemoryJob {
  const { id, shape, payload, queue } = fresh;
  return {
    id,
    shape,
    payload,
    queue,
    createdAt: wallNow,
    order,
    lane: queue.lane(shape.task, shape.priority),
    state: shape.runAt !== null && shape.runAt > wallNow ? "scheduled" : "ready",
    runAt: shape.runAt,
    expireAt: shape.expireAt,
    attempt: 0,
    losses: 0,
    token: 0,
    owner: null,
    leaseUntil: null,
    claimedAt: null,
    settledAt: null,
    pruneAt: null,
    result: null,
    error: null,
    progress: null,
    note: null,
    awaits: null,
    awaitsToken: null,
    settledToken: null,
    settledEvent: null,
    stateIndex: -1,
    expiryIndex: -1,
  };
}

export function claimedJobOf(job: MemoryJob): ClaimedJob {
  const { id, token, payload, attempt, losses } = job;
  const { queue, task, extra } = job.shape;
  return { id, token, queue, task, payload, attempt, losses, extra };
}

/** A wait ends with the attempt that waits: one of an older token says nothing. */
export function awaitedBy({ state, awaits, awaitsToken, token }: MemoryJob): JobNumber | null {
  return state === "leased" && awaitsToken === token ? awaits : null;
}

export function recordOf(job: MemoryJob): JobRecord {
  return {
    ...job.shape,
    id: job.id,
    payload: job.payload,
    state: job.state,
    runAt: job.runAt,
    expireAt: job.expireAt,
    attempt: job.attempt,
    losses: job.losses,
    token: job.token,
    owner: job.owner,
    leaseUntil: job.leaseUntil,
    createdAt: job.createdAt,
    claimedAt: job.claimedAt,
    settledAt: job.settledAt,
    result: job.result,
    error: job.error,
    progress: job.progress,
    note: job.note,
    awaits: awaitedBy(job),
  };
}
