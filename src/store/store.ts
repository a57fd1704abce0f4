/**
 * The narrow waist: everything above it is store-blind, everything below it knows one database.
 * Rules that hold for every method, proved by test/conformance on every store:
 *
 * 1. Batch first: methods take arrays or a limit, and concurrent calls share one commit.
 * 2. Atomic: a call that rejects has changed nothing, or rejects with UNJAM_OUTCOME_UNKNOWN.
 *    Ids come from the caller, so repeating an `add` or a `settle` is harmless.
 * 3. Clocked from one place: the store is opened with its Clock and reads no other. `leaseUntil`
 *    and beats are monotonic time, dates are wall time.
 * 4. Honest about loss: a stale lease is an ordinary answer, not an exception.
 * 5. Bounded: every call ends by its `deadline` (monotonic); what touches many jobs takes a limit.
 * 6. Durable as named: what a call answers survives what `capabilities.durability` says.
 * 7. Capabilities, never names: callers branch on `capabilities`, never on which store it is.
 */
import type { Clock, EpochMs, MonotonicMs, Timers } from "../core/clock.ts";
import type {
  ClaimedJob,
  JobNumber,
  JobRecord,
  JobShape,
  Lease,
  OwnerId,
  Settlement,
} from "../core/job.ts";
import type { JobState } from "../core/job-state.ts";
import type { StoreOverflow } from "../core/overflow.ts";

export interface Store {
  readonly capabilities: StoreCapabilities;

  /** Takes `count` job numbers that nobody else will ever get, and answers the first. */
  reserveIds(count: number, deadline: MonotonicMs): Promise<JobNumber>;

  /** Announces a process that enqueues or works. Its own commits and `beat` keep it alive. */
  join(owner: NewOwner, deadline: MonotonicMs): Promise<OwnerId>;

  /** Says that the owner lives. */
  beat(owner: OwnerId, deadline: MonotonicMs): Promise<void>;

  /** A clean goodbye: the owner no longer counts as a consumer. Its leases stay until they end. */
  leave(owner: OwnerId, reason: string, deadline: MonotonicMs): Promise<void>;

  /**
   * The owner lives on and takes no more jobs from these queues: nothing is left of it that could
   * run them. Shown as one more owner, which had only these queues and left for that reason.
   */
  withdraw(owner: OwnerId, from: Withdrawal, deadline: MonotonicMs): Promise<void>;

  /**
   * Everyone who joined: the living, the last who went, and of each queue the last consumer,
   * however long ago that went. Newest first.
   */
  owners(limit: number): Promise<readonly Owner[]>;

  /** Adds jobs, in order; one answer per group. Capacity is checked in the same transaction. */
  add(groups: readonly AddGroup[], deadline: MonotonicMs): Promise<readonly AddAnswer[]>;

  /**
   * Leases ready jobs: per slot at most `limit`, by priority, then in the order they were added,
   * suspects last; across the tasks of one slot the order is best effort. Paused queues give nothing. The token
   * of each job rises by one.
   */
  claim(request: ClaimRequest, deadline: MonotonicMs): Promise<readonly ClaimedJob[]>;

  /** How many jobs `claim` would lease now for these slots. Leases none. */
  countClaimable(slots: readonly ReadySlot[]): Promise<number>;

  /** Moves lease ends and writes progress. Answers the leases that were already lost. */
  renew(renewals: readonly Renewal[], deadline: MonotonicMs): Promise<readonly Lease[]>;

  /**
   * Notes which job an attempt waits for, and follows who waits for whom, at most WAIT_CHAIN_MAX
   * steps: a wait that would close a circle is answered with it and not noted. An attempt that
   * waits for several has the last one noted.
   */
  awaitJob(request: AwaitRequest, deadline: MonotonicMs): Promise<AwaitAnswer>;

  /**
   * Ends attempts. Answers the leases that were already lost; their outcomes are dropped.
   * Settling the same lease again with the same event is harmless and not a loss.
   */
  settle(settlements: readonly Settlement[], deadline: MonotonicMs): Promise<readonly Lease[]>;

  /**
   * Does what time did: scheduled jobs that are due become ready, jobs past `expireAt` expire,
   * leases that ran out or whose owner is in `deadOwners` are lost (one loss each; past
   * LOSSES_MAX the job is dead). At most `limit` of each per call.
   */
  wake(request: WakeRequest, deadline: MonotonicMs): Promise<WakeAnswer>;

  /** Lets the scheduled jobs among `ids` start no later than `runAt`. */
  hasten(ids: readonly JobNumber[], runAt: EpochMs, deadline: MonotonicMs): Promise<void>;

  /** Removes settled rows whose time is over, and done rows beyond `doneCountMax` per queue. */
  prune(
    limits: { readonly limit: number; readonly doneCountMax: number },
    deadline: MonotonicMs,
  ): Promise<number>;

  /** Cancels unfinished jobs, leased ones too: their attempt loses its lease. Answers those it cancelled. */
  cancel(
    request: {
      readonly ids: readonly JobNumber[];
      readonly keepMs: number;
      readonly error: string;
    },
    deadline: MonotonicMs,
  ): Promise<readonly JobNumber[]>;

  /** Gives settled jobs that are not done another life: attempt and losses from 0. Answers those it revived. */
  revive(ids: readonly JobNumber[], deadline: MonotonicMs): Promise<readonly JobNumber[]>;

  /** Finds jobs by number or by the caller's own id. What is unknown is left out. */
  get(ids: readonly (JobNumber | string)[]): Promise<readonly JobRecord[]>;

  /** Jobs by number, ascending. */
  list(query: ListQuery): Promise<readonly JobRecord[]>;

  queues(): Promise<readonly QueueRecord[]>;

  setPaused(queue: string, paused: boolean, deadline: MonotonicMs): Promise<void>;

  /** Whether another process has changed the store since the last call. Cheap enough to poll. */
  changedByOthers(): boolean;

  /** Answers what is still waiting with UNJAM_CLOSED, then lets go of the file or connection. */
  close(): Promise<void>;
}

/** What a store can do beyond the contract. Callers branch on these, never on a store's name. */
export interface StoreCapabilities {
  /** What an acknowledgement survives: the end of nothing, of the process, or a power cut. */
  readonly durability: "memory" | "process" | "power";
  readonly sharedBetweenProcesses: boolean;
  /** Where it is, for messages: a path, or "memory". */
  readonly place: string;
}

/** What a store is opened with. */
export interface StorePorts {
  readonly clock: Clock;
  readonly timers: Timers;
}

export interface NewOwner {
  readonly pid: number;
  /** Tells two processes with one pid apart; `null` where the system cannot say. */
  readonly processStart: string | null;
  /** Boot id and pid namespace: owners elsewhere cannot be judged by pid. */
  readonly machine: string;
  readonly label: string;
  /** Queues it takes jobs from; empty for a producer. */
  readonly queues: readonly string[];
}

export interface Owner extends NewOwner {
  readonly id: OwnerId;
  readonly joinedAt: EpochMs;
  /** Monotonic: compare it only on the same machine. */
  readonly beatAt: MonotonicMs;
  /** Wall time of a clean goodbye or of being found dead; `null` while it counts as alive. */
  readonly leftAt: EpochMs | null;
  readonly reason: string | null;
}

export interface Withdrawal {
  readonly queues: readonly string[];
  readonly reason: string;
}

/** Jobs of one shape, as columns: one value per job, because this is the hot path. */
export interface AddGroup {
  readonly shape: JobShape;
  /** `null` takes the capacity that the queue already has, or the default. */
  readonly capacity: number | null;
  /** Drawn from `reserveIds`, or the number in `shape.callerId` where that has our form. */
  readonly ids: readonly JobNumber[];
  /** JSON text, one per id. */
  readonly payloads: readonly string[];
  /** All or nothing (one enqueueMany), or each job a call of its own. */
  readonly atomic: boolean;
  /** For jobs that find the queue full. Nothing is dropped while nobody consumes the queue. */
  readonly overflow: StoreOverflow;
}

/** "added" when every job was; else one outcome per job. */
export type AddAnswer = "added" | readonly AddOutcome[];

export type AddOutcome =
  | { readonly kind: "added" }
  /** The id or the key belongs to this job already; nothing was stored. */
  | { readonly kind: "exists"; readonly id: JobNumber }
  /** Stored and dropped at once, because the queue was full. */
  | { readonly kind: "dropped"; readonly capacity: number }
  /** Added to a full queue; these, which waited there, are dropped. */
  | {
      readonly kind: "displaced";
      readonly capacity: number;
      readonly dropped: readonly JobNumber[];
    }
  /**
   * A caller wrote this number as the id of a job of its own before it was drawn for this one.
   * Nothing was stored, of an atomic group nothing at all: add it again under another number.
   */
  | { readonly kind: "numberTaken" }
  /** The id that the caller gave belongs to another task or payload. */
  | { readonly kind: "taken"; readonly id: JobNumber; readonly task: string }
  | {
      readonly kind: "full";
      readonly capacity: number;
      readonly hasConsumer: boolean;
      readonly lastConsumer: {
        readonly worker: string;
        readonly goneMs: number;
        readonly reason: string;
      } | null;
    }
  /** The store holds QUEUE_COUNT_MAX queues, and this one is new. */
  | { readonly kind: "tooManyQueues" };

export interface ClaimRequest {
  readonly owner: OwnerId;
  readonly slots: readonly ClaimSlot[];
}

/** Ready jobs of some tasks of a queue. */
export interface ReadySlot {
  readonly queue: string;
  readonly tasks: readonly string[];
  readonly limit: number;
  /** Only jobs with SUSPECT_LOSSES or more losses, or none of them. Absent: all, those last. */
  readonly suspects?: "only" | "without";
}

export interface ClaimSlot extends ReadySlot {
  /** Only these of them. Absent: any. */
  readonly ids?: readonly JobNumber[];
}

export interface Renewal extends Lease {
  readonly leaseUntil: MonotonicMs;
  readonly progress: number | null;
  readonly note: string | null;
}

export interface AwaitRequest {
  readonly lease: Lease;
  /** By number or the caller's own id; `null`: it waits no more. */
  readonly awaited: JobNumber | string | null;
}

export interface WaitStep {
  readonly id: JobNumber;
  readonly task: string;
}

export type AwaitAnswer =
  /** The job that is waited for, which may be settled: then nothing is noted. */
  | { readonly kind: "noted"; readonly record: JobRecord | null }
  /** Each waits for the next, the last for the first, which is the one that asked. */
  | { readonly kind: "circle"; readonly steps: readonly WaitStep[] }
  /** The attempt has lost its lease. */
  | { readonly kind: "lost" }
  /** There is no such job. */
  | { readonly kind: "unknown" };

export interface WakeRequest {
  readonly limit: number;
  readonly deadOwners: readonly { readonly id: OwnerId; readonly reason: string }[];
}

export interface WakeAnswer {
  /** Jobs that became ready. */
  readonly readyCount: number;
  /** Jobs that are now settled: expired, or dead after too many losses. */
  readonly settled: readonly JobNumber[];
  /** Leases that were taken from their owners. */
  readonly lost: readonly Lease[];
  /** The limit was reached: call again. */
  readonly more: boolean;
  /** When the next scheduled job is due; `null` when there is none. */
  readonly nextDueAt: EpochMs | null;
}

export interface ListQuery {
  readonly queue: string | null;
  readonly states: readonly JobState[] | null;
  readonly limit: number;
  readonly after: JobNumber | null;
}

export interface QueueRecord {
  readonly name: string;
  readonly capacity: number;
  readonly paused: boolean;
  /** Rows by state. */
  readonly counts: Readonly<Record<JobState, number>>;
  /** Scheduled jobs that have been attempted before: they wait for a retry. */
  readonly retryingCount: number;
  /** Jobs ever done, and ever dead, expired or dropped; pruning does not lower these. */
  readonly doneTotal: number;
  readonly failedTotal: number;
}
