import type { Clock, Timers } from "../core/clock.ts";
import { parseErrorRecord } from "../core/error-record.ts";
import { type ErrorDetails, isUnjamError, UnjamError } from "../core/errors.ts";
import type { JobRecord } from "../core/job.ts";
import { idOf } from "../core/job-result.ts";
import type { JobState } from "../core/job-state.ts";
import { ANSWER_MS_MIN } from "../core/limits.ts";
import type { RunsOn } from "../core/task.ts";
import type { QueueRecord } from "../store/store.ts";
import type { EngineClient } from "./engine-client.ts";
import { holderOf, type Holders, jobWaitsFor, laneOf } from "./job-holding.ts";

/** Pause between two looks at the counters: short at first, for short queues. */
const LOOK_MS_MIN = 2;
const LOOK_MS_MAX = 50;
const NAMED_MAX = 10;
const UNFINISHED: readonly JobState[] = ["leased", "ready", "scheduled"];

export interface JoinOptions {
  /** Only this queue. */
  readonly queue?: string;
  /** Default 30_000. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/** What a join came to. Counts are since the app was opened, over the queues that were joined. */
export interface JoinResult {
  readonly done: number;
  /** Dead, expired and dropped. */
  readonly failed: number;
  /** The first ten of them. */
  readonly errors: readonly {
    readonly id: string;
    readonly task: string;
    readonly error: string;
  }[];
  /** Not waited for: delayed into the future, and what waits in paused queues. */
  readonly delayedCount: number;
  readonly pausedCount: number;
}

/** Totals at the app's start, from which a join counts. */
export type JoinBase = ReadonlyMap<string, { readonly done: number; readonly failed: number }>;

export function joinBase(queues: readonly QueueRecord[]): JoinBase {
  return new Map(
    queues.map(({ name, doneTotal, failedTotal }) => [
      name,
      { done: doneTotal, failed: failedTotal },
    ]),
  );
}

/** A join under way: which queues, since when, until when. */
export interface Joining {
  readonly engine: EngineClient;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly base: JoinBase;
  readonly openedAt: number;
  readonly queue: string | undefined;
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
  /** Where a task's handlers run. */
  readonly runsOf: (task: string) => RunsOn | undefined;
}

/** @throws UNJAM_JOIN_TIMEOUT with the unfinished jobs by name, or the signal's reason */
export async function join(joining: Joining): Promise<JoinResult> {
  const { engine, clock, waitMs, signal } = joining;
  const since = clock.now();
  let lookMs = LOOK_MS_MIN;
  let known: readonly QueueRecord[] = [];
  for (;;) {
    signal?.throwIfAborted();
    const leftMs = Math.max(since + waitMs - clock.now(), ANSWER_MS_MIN);
    const all = await unlessLate(engine.call({ name: "queues" }, leftMs), undefined);
    if (all !== undefined) {
      known = all.filter(({ name }) => joining.queue === undefined || name === joining.queue);
      if (known.every((queue) => unfinishedIn(queue) === 0)) {
        return resultOf(joining, known, leftMs);
      }
    }
    if (since + waitMs <= clock.now()) throw await timeoutOf(joining, known);
    await pause(joining, Math.min(lookMs, Math.max(1, since + waitMs - clock.now())));
    lookMs = Math.min(LOOK_MS_MAX, lookMs * 2);
  }
}

/** Ready, leased and waiting for a retry. A paused queue's waiting jobs are nobody's to finish. */
function unfinishedIn({ counts, retryingCount, paused }: QueueRecord): number {
  return paused ? counts.leased : counts.ready + counts.leased + retryingCount;
}

async function resultOf(
  joining: Joining,
  queues: readonly QueueRecord[],
  leftMs: number,
): Promise<JoinResult> {
  const sum = (of: (queue: QueueRecord) => number): number =>
    queues.reduce((total, queue) => total + of(queue), 0);
  const failed = sum(
    ({ name, failedTotal }) => failedTotal - (joining.base.get(name)?.failed ?? 0),
  );
  return {
    done: sum(({ name, doneTotal }) => doneTotal - (joining.base.get(name)?.done ?? 0)),
    failed,
    errors: failed === 0 ? [] : await firstErrors(joining, leftMs),
    delayedCount: sum(({ counts, retryingCount }) => counts.scheduled - retryingCount),
    pausedCount: sum(({ counts, paused }) => (paused ? counts.ready : 0)),
  };
}

async function firstErrors(
  { engine, queue, openedAt }: Joining,
  leftMs: number,
): Promise<JoinResult["errors"]> {
  const query = {
    queue: queue ?? null,
    states: ["dead", "expired", "dropped"] as const,
    limit: 1_000,
    after: null,
  };
  const records = await engine.call({ name: "list", query }, leftMs);
  return records
    .filter(({ settledAt }) => settledAt !== null && settledAt >= openedAt)
    .slice(0, NAMED_MAX)
    .map((record) => ({
      id: idOf(record),
      task: record.task,
      error: record.error === null ? record.state : parseErrorRecord(record.error).message,
    }));
}

/** A store that does not answer by a join's deadline ends the join, and only that. */
async function unlessLate<T, L>(call: Promise<T>, late: L): Promise<T | L> {
  try {
    return await call;
  } catch (error) {
    if (isUnjamError(error, "UNJAM_WAIT_TIMEOUT")) return late;
    throw error;
  }
}

/** Names what is unfinished as far as the store says so at once: the deadline has come. */
async function timeoutOf(
  { engine, clock, queue, waitMs, runsOf }: Joining,
  queues: readonly QueueRecord[],
): Promise<UnjamError<"UNJAM_JOIN_TIMEOUT">> {
  const query = { queue: queue ?? null, states: UNFINISHED, limit: NAMED_MAX, after: null };
  const [records, owners] = await Promise.all([
    unlessLate(engine.call({ name: "list", query }, ANSWER_MS_MIN), []),
    unlessLate(engine.call({ name: "owners" }, ANSWER_MS_MIN), []),
  ]);
  const unfinishedCount = queues.reduce((sum, each) => sum + unfinishedIn(each), 0);
  const holders = { queues, owners, runsOf, now: clock.now(), wallNow: clock.wallNow() };
  const unfinished = records.map((record) => unfinishedJob(record, holders));
  return new UnjamError("UNJAM_JOIN_TIMEOUT", { waitedMs: waitMs, unfinishedCount, unfinished });
}

/** Who holds it since when, how far it is there, and what it waits for. */
function unfinishedJob(
  record: JobRecord,
  holders: Holders,
): ErrorDetails<"UNJAM_JOIN_TIMEOUT">["unfinished"][number] {
  const { task, queue, state, attempt, progress, note, claimedAt } = record;
  const isHeld = state === "leased";
  return {
    ...{ id: idOf(record), task, queue, state },
    holder: holderOf(record, holders.owners),
    // Of an attempt that is over nothing is left to be stuck in.
    sinceMs: isHeld && claimedAt !== null ? holders.wallNow - claimedAt : null,
    attempt: isHeld ? attempt + 1 : attempt,
    runs: laneOf(record, holders),
    ...(isHeld ? { progress, note } : { progress: null, note: null }),
    waitsFor: jobWaitsFor(record, holders),
  };
}

function pause({ timers, signal }: Joining, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", over);
      resolve();
    };
    // After a close nothing else may hold the process, and whoever awaits the join must hear of it.
    const timer = timers.after(ms, over, { keepsAlive: true });
    signal?.addEventListener("abort", over, { once: true });
  });
}
