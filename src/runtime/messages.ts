/**
 * What travels between the parts of the runtime. All of it is plain data. The frequent messages
 * (adds, attempts, ends) are columns, because cloning an object per job would cost more than the
 * job.
 */
import type { MonotonicMs } from "../core/clock.ts";
import type { ErrorRecord } from "../core/errors.ts";
import type { AppEvent, AppEvents } from "../core/events.ts";
import type { ClaimedJob, JobNumber, JobRecord, Lease, OwnerId } from "../core/job.ts";
import type { LogLine } from "../core/job-context.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { Overflow } from "../core/overflow.ts";
import type { CrewLane, TaskFacts } from "../core/task.ts";
import type { AddGroup, AddOutcome, ListQuery, Owner, QueueRecord } from "../store/store.ts";
import type { WaitFacts } from "./wait-facts.ts";

/** One group on its way in. `batch` is answered by an AddedMessage. */
export interface AddRequest {
  readonly batch: number;
  readonly group: AddGroup;
  readonly whenFull: Overflow;
  readonly waitersMax: number;
  /** When its caller began to wait. */
  readonly since: MonotonicMs;
  /** How long it may wait for room. */
  readonly deadline: MonotonicMs;
  /** When the store must have answered; not before `deadline`. */
  readonly answerBy: MonotonicMs;
}

/** What an add came to, for one job: the store's word, or an error. A job that was dropped is stored too. */
export type Added =
  | Exclude<AddOutcome, { readonly kind: "dropped" | "displaced" }>
  | { readonly kind: "error"; readonly error: ErrorRecord };

/** "added" for the whole batch, or what is known so far of single jobs (by index). */
export interface AddedMessage {
  readonly type: "added";
  readonly batch: number;
  readonly outcomes: "added" | readonly (readonly [index: number, outcome: Added])[];
}

/** Attempts that returned, as columns; `results` is `null` when none of them has one. */
export interface ReturnedColumns {
  readonly ids: readonly JobNumber[];
  readonly tokens: readonly number[];
  readonly results: readonly (string | null)[] | null;
}

export interface EndMessage extends Lease {
  readonly end: AttemptEnd;
}

export interface ProgressMessage extends Lease {
  readonly progress: number | null;
  readonly note: string | null;
}

/** A handler waits for another job. `call` is its number where it runs. */
export interface AwaitMessage extends Lease {
  readonly type: "await";
  readonly call: number;
  /** The id of the job that it waits for. */
  readonly job: string;
  readonly since: MonotonicMs;
  readonly deadline: MonotonicMs;
}

/** It does not wait any more. */
export interface UnawaitMessage {
  readonly type: "unawait";
  readonly call: number;
}

/** What a wait came to. */
export type WaitOutcome =
  | { readonly kind: "settled"; readonly record: JobRecord }
  /** It is not in the store any more. */
  | { readonly kind: "gone" }
  | { readonly kind: "error"; readonly error: ErrorRecord };

export interface AwaitedMessage {
  readonly type: "awaited";
  readonly call: number;
  readonly outcome: WaitOutcome;
}

/** Client → engine. */
export type ToEngine =
  | {
      readonly type: "work";
      readonly adds: readonly AddRequest[];
      readonly returned: ReturnedColumns | null;
      readonly ends: readonly EndMessage[];
      readonly progress: readonly ProgressMessage[];
    }
  | { readonly type: "call"; readonly call: number; readonly request: EngineCall }
  /** Tell when these are settled; answered at once for those that are. */
  | { readonly type: "watch"; readonly ids: readonly JobNumber[] }
  | { readonly type: "unwatch"; readonly ids: readonly JobNumber[] }
  /** Attempts that the main loop holds, for an engine that has just been started. */
  | { readonly type: "held"; readonly jobs: readonly ClaimedJob[] }
  | AwaitMessage
  | UnawaitMessage
  /** Bodies of timed-out loop handlers that have ended after all: their retries may start. */
  | { readonly type: "bodiesEnded"; readonly ids: readonly JobNumber[] };

/** Questions and orders that are answered one by one. `deadline` bounds the store's part. */
export type EngineCall = { readonly deadline: MonotonicMs } & (
  | { readonly name: "reserveIds"; readonly count: number }
  | { readonly name: "get"; readonly ids: readonly (JobNumber | string)[] }
  | { readonly name: "list"; readonly query: ListQuery }
  | { readonly name: "queues" }
  | { readonly name: "owners" }
  | { readonly name: "setPaused"; readonly queue: string; readonly paused: boolean }
  | { readonly name: "cancel"; readonly ids: readonly JobNumber[] }
  | { readonly name: "revive"; readonly ids: readonly JobNumber[] }
  | { readonly name: "store" }
  /** What is open here, and what is known of these jobs, for `app.waits()`. */
  | { readonly name: "waits"; readonly jobs: readonly (JobNumber | string)[] }
  | { readonly name: "drain"; readonly until: MonotonicMs }
);

export interface StoreFacts {
  readonly durability: "memory" | "process" | "power";
  readonly place: string;
  readonly owner: OwnerId;
}

/** What each call answers, by its name. */
export interface CallAnswers {
  readonly reserveIds: JobNumber;
  readonly get: readonly JobRecord[];
  readonly list: readonly JobRecord[];
  readonly queues: readonly QueueRecord[];
  readonly owners: readonly Owner[];
  readonly setPaused: null;
  readonly cancel: readonly JobNumber[];
  readonly revive: readonly JobNumber[];
  readonly store: StoreFacts;
  readonly waits: WaitFacts;
  /** Jobs that were still running at the end of the grace. */
  readonly drain: number;
}

/** Engine → client. */
export type FromEngine =
  | AddedMessage
  | AwaitedMessage
  | { readonly type: "attempts"; readonly jobs: readonly AttemptColumns[] }
  /** The attempt no longer counts: cancelled, lost or shut down. */
  | { readonly type: "abort"; readonly leases: readonly Lease[]; readonly reason: AbortReason }
  | {
      readonly type: "settled";
      readonly records: readonly JobRecord[];
      readonly gone: readonly JobNumber[];
    }
  | { readonly type: "answer"; readonly call: number; readonly answer: unknown }
  | { readonly type: "refusal"; readonly call: number; readonly error: ErrorRecord }
  /** Stop starting prefetched attempts and give back those that have not begun. */
  | { readonly type: "giveBack" }
  | { readonly type: "event"; readonly event: AppEvent }
  | { readonly type: "log"; readonly line: LogLine }
  | { readonly type: "started"; readonly owner: OwnerId }
  | { readonly type: "failed"; readonly error: ErrorRecord };

export type AbortReason = "cancelled" | "lost" | "closing";

/** Claimed jobs of one task, as columns. */
export interface AttemptColumns {
  readonly task: string;
  readonly queue: string;
  readonly ids: readonly JobNumber[];
  readonly tokens: readonly number[];
  readonly attempts: readonly number[];
  readonly payloads: readonly string[];
  /** JSON texts; `null` when no job of the batch has any. */
  readonly extras: readonly (string | null)[] | null;
}

/** Engine → supervisor. */
export type ToSupervisor =
  | { readonly type: "run"; readonly lane: CrewLane; readonly jobs: readonly ClaimedJob[] }
  | { readonly type: "abort"; readonly leases: readonly Lease[]; readonly reason: AbortReason }
  | { readonly type: "giveBack"; readonly lane: CrewLane }
  /** So many jobs of the lane are ready; they are claimed once members stand for them. */
  | { readonly type: "warm"; readonly lane: CrewLane; readonly count: number }
  /** All jobs that handlers wait for: a slot that was lent is for one of these. */
  | { readonly type: "preferred"; readonly ids: readonly JobNumber[] }
  | (AwaitedMessage & { readonly thread: number })
  /** The answer to an "add" of that thread or process. `ids` are the numbers that its jobs were given. */
  | {
      readonly type: "added";
      readonly thread: number;
      readonly ids: readonly JobNumber[];
      readonly message: AddedMessage;
    };

/** Supervisor → engine. */
export type FromSupervisor =
  | { readonly type: "ends"; readonly ends: readonly EndMessage[] }
  | { readonly type: "progress"; readonly progress: readonly ProgressMessage[] }
  /** A handler on a thread or in a process enqueues: the engine makes the id. */
  | {
      readonly type: "add";
      readonly thread: number;
      /** The job of the handler. */
      readonly by: JobNumber | null;
      readonly request: AddRequest;
    }
  | ((AwaitMessage | UnawaitMessage) & { readonly thread: number })
  | { readonly type: "log"; readonly line: LogLine }
  | { readonly type: "event"; readonly event: AppEvent }
  /** Members of the lane that have started, where jobs are claimed only for those. */
  | { readonly type: "standing"; readonly lane: CrewLane; readonly count: number }
  /** A lane's restart budget is used up: it takes no more work. */
  | { readonly type: "broken"; readonly lane: CrewLane; readonly data: AppEvents["broken"] }
  /** Attempts that the supervisor holds, for an engine that has just been started. */
  | { readonly type: "held"; readonly jobs: readonly ClaimedJob[] };

/** What the engine is told at its start. */
export interface EngineOptions {
  readonly storeUrl: string;
  readonly tasks: readonly TaskFacts[];
  /** Slots by lane; no lane with 0 slots takes jobs. */
  readonly loopSlots: number;
  readonly threadSlots: number;
  readonly processSlots: number;
  /** For suspects of all tasks; 0 where no module says what they are. */
  readonly aloneSlots: number;
  readonly queues: readonly string[];
  readonly label: string;
  /** The owner of the engine that this one replaces: it says goodbye for it. */
  readonly replaces: OwnerId | null;
}
