import type { MonotonicMs } from "../core/clock.ts";
import type { JobNumber, JobRecord, OwnerId } from "../core/job.ts";
import { formatJobId } from "../core/job-id.ts";
import { OWNERS_LISTED_MAX, WAITS_HELD_MAX } from "../core/limits.ts";
import type { Owner, QueueRecord } from "../store/store.ts";
import type { Engine } from "./engine.ts";

/** A wait of a handler on a thread or in a process. */
export interface CrewWait {
  readonly waiter: Waiter | null;
  readonly since: MonotonicMs;
  readonly deadline: MonotonicMs;
  readonly awaited:
    | { readonly kind: "job"; readonly id: string }
    | {
        readonly kind: "enqueue";
        readonly task: string;
        readonly queue: string;
        readonly batch: number;
      };
}

/** The attempt that waits. */
export interface Waiter {
  readonly id: JobNumber;
  readonly task: string;
  readonly attempt: number;
}

/** What is told of a job that somebody waits for; not its payload, which may be large. */
export type AwaitedJob = Pick<JobRecord, "id" | "callerId" | "task" | "queue" | "state"> &
  Pick<JobRecord, "attempt" | "losses" | "owner" | "claimedAt" | "runAt"> &
  Pick<JobRecord, "progress" | "note" | "awaits">;

/** What the engine knows of open waits, and of who holds what is waited for. */
export interface WaitFacts {
  /** Batches of enqueues that wait for room; below zero those of threads and processes. */
  readonly parked: readonly number[];
  readonly ofCrews: readonly CrewWait[];
  /** Those that were asked for and those that handlers wait for, as far as they are in the store. */
  readonly jobs: readonly AwaitedJob[];
  readonly queues: readonly QueueRecord[];
  readonly owners: readonly Owner[];
  /** The owner that asks. */
  readonly owner: OwnerId;
}

/** Reads only, and what the store does not answer is the caller's to bound. */
export async function waitFacts(
  engine: Engine,
  jobs: readonly (JobNumber | string)[],
): Promise<WaitFacts> {
  const { owner, intake, waits, threadAdds } = engine;
  const { store } = engine.ports;
  const results = waits.ofCrews.map(({ id, job, since, deadline }): CrewWait => ({
    ...{ waiter: waiterOf(engine, id), since, deadline },
    awaited: { kind: "job", id: job },
  }));
  const enqueues = threadAdds.open.map(({ by, batch, request }): CrewWait => {
    const { task, queue } = request.group.shape;
    return {
      ...{ waiter: by === null ? null : waiterOf(engine, by) },
      ...{ since: request.since, deadline: request.deadline },
      awaited: { kind: "enqueue", task, queue, batch },
    };
  });
  const ids = [...new Set([...jobs, ...waits.awaitedIds])].slice(0, WAITS_HELD_MAX);
  const [records, queues, owners] = await Promise.all([
    store.get(ids),
    store.queues(),
    store.owners(OWNERS_LISTED_MAX),
  ]);
  const facts = { parked: intake.parkedBatches, ofCrews: [...results, ...enqueues], owner };
  return { ...facts, jobs: records.map(withoutPayload), queues, owners };
}

function waiterOf({ executor }: Engine, id: JobNumber): Waiter {
  const job = executor.find(id)?.job;
  return { id, task: job?.task ?? formatJobId(id), attempt: (job?.attempt ?? 0) + 1 };
}

function withoutPayload(record: JobRecord): AwaitedJob {
  const { id, callerId, task, queue, state, attempt, losses, owner } = record;
  const { claimedAt, runAt, progress, note, awaits } = record;
  return {
    ...{ id, callerId, task, queue, state, attempt, losses, owner },
    ...{ claimedAt, runAt, progress, note, awaits },
  };
}
