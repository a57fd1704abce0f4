import type { JobState } from "../../core/job-state.ts";
import { QUEUE_CAPACITY_DEFAULT } from "../../core/limits.ts";
import type { ReadySlot, QueueRecord } from "../store.ts";
import { Heap } from "./heap.ts";
import { type MemoryJob, SUSPECT_RANK } from "./memory-job.ts";
import { OrderedMap } from "./ordered-map.ts";

/** The ready jobs of one task in one queue: a lane per rank, each in order of arrival. */
class TaskLanes {
  readonly #lanes: OrderedMap<MemoryJob>[] = [];

  lane(rank: number): OrderedMap<MemoryJob> {
    while (this.#lanes.length <= rank) this.#lanes.push(new OrderedMap());
    return this.#lanes[rank] ?? new OrderedMap();
  }

  /** The oldest job of each lane. */
  heads(): MemoryJob[] {
    return this.#lanes.flatMap((lane) => first(lane) ?? []);
  }

  /** In the order in which they are to be claimed. */
  *inOrder(suspects: ReadySlot["suspects"]): Generator<MemoryJob> {
    const from = suspects === "only" ? SUSPECT_RANK : 0;
    const to = suspects === "without" ? SUSPECT_RANK : this.#lanes.length;
    for (const lane of this.#lanes.slice(from, to)) {
      if (lane.size > 0) yield* lane.valuesAfter(-1);
    }
  }
}

/** One queue: its settings, its counters, and its jobs by state and by task. */
export class MemoryQueue {
  readonly name: string;
  capacity: number = QUEUE_CAPACITY_DEFAULT;
  paused = false;
  retryingCount = 0;
  doneTotal = 0;
  failedTotal = 0;
  /** By state and job number: what `list` shows and `queues` counts. */
  readonly jobs: Readonly<Record<JobState, OrderedMap<MemoryJob>>> = {
    scheduled: new OrderedMap(),
    ready: new OrderedMap(),
    leased: new OrderedMap(),
    done: new OrderedMap(),
    dead: new OrderedMap(),
    cancelled: new OrderedMap(),
    expired: new OrderedMap(),
    dropped: new OrderedMap(),
  };
  /** Scheduled jobs in order of arrival. */
  readonly delayed: OrderedMap<MemoryJob> = new OrderedMap();
  /** Done rows, the one that may go first at the top. */
  readonly done: Heap<MemoryJob> = new Heap({
    isBefore: isPrunedBefore,
    moved: (job, index) => {
      job.stateIndex = index;
    },
  });
  readonly #tasks = new Map<string, TaskLanes>();

  constructor(name: string) {
    this.name = name;
  }

  /** Jobs that count against the capacity. */
  get waitingCount(): number {
    return this.jobs.scheduled.size + this.jobs.ready.size;
  }

  /** @param rank see {@link rankOf} */
  lane(task: string, rank: number): OrderedMap<MemoryJob> {
    let lanes = this.#tasks.get(task);
    if (lanes === undefined) {
      lanes = new TaskLanes();
      this.#tasks.set(task, lanes);
    }
    return lanes.lane(rank);
  }

  /** The job that came first among those that wait. */
  oldestWaiting(): MemoryJob | undefined {
    let oldest = first(this.delayed);
    for (const lanes of this.#tasks.values()) {
      for (const job of lanes.heads()) {
        if (oldest === undefined || job.order < oldest.order) oldest = job;
      }
    }
    return oldest;
  }

  /** The ready jobs of these tasks, each task in its own order. */
  readySources({ tasks, suspects }: ReadySlot): Generator<MemoryJob>[] {
    const sources: Generator<MemoryJob>[] = [];
    for (const task of new Set(tasks)) {
      const lanes = this.#tasks.get(task);
      if (lanes !== undefined) sources.push(lanes.inOrder(suspects));
    }
    return sources;
  }

  record(): QueueRecord {
    const { name, capacity, paused, retryingCount, doneTotal, failedTotal, jobs } = this;
    const counts = {
      scheduled: jobs.scheduled.size,
      ready: jobs.ready.size,
      leased: jobs.leased.size,
      done: jobs.done.size,
      dead: jobs.dead.size,
      cancelled: jobs.cancelled.size,
      expired: jobs.expired.size,
      dropped: jobs.dropped.size,
    };
    return { name, capacity, paused, counts, retryingCount, doneTotal, failedTotal };
  }
}

function first(jobs: OrderedMap<MemoryJob>): MemoryJob | undefined {
  for (const job of jobs.valuesAfter(-1)) return job;
  return undefined;
}

/** Whether `a` may go before `b`; the id decides between rows of one millisecond. */
export function isPrunedBefore(a: MemoryJob, b: MemoryJob): boolean {
  const difference = (a.pruneAt ?? 0) - (b.pruneAt ?? 0);
  return difference < 0 || (difference === 0 && a.id < b.id);
}
