import type { EpochMs, MonotonicMs } from "../../core/clock.ts";
import { invariant } from "../../core/invariant.ts";
import { type JobEvent, STATE_FACTS, transition } from "../../core/job-state.ts";
import type { JobNumber, JobShape, Lease, OwnerId, Token } from "../../core/job.ts";
import { QUEUE_COUNT_MAX } from "../../core/limits.ts";
import type { Renewal } from "../store.ts";
import { Heap } from "./heap.ts";
import { type FreshJob, laneOf, type MemoryJob, newJob } from "./memory-job.ts";
import { isPrunedBefore, MemoryQueue } from "./memory-queue.ts";
import { OrderedMap } from "./ordered-map.ts";
import { TextMap } from "./text-map.ts";

/**
 * Every job and the indexes that find it. A job stands in as many of them as its state says:
 *
 *   scheduled   due, its queue's delayed jobs, and expiring when it can expire
 *   ready       its task's lane, and expiring when it can expire
 *   leased      leases, and its owner's set
 *   done        its queue's done rows
 *   other ends  settled
 *   unfinished  the index of keys, when it has one
 *   always      jobs, its queue's jobs by state, the index of callers' ids when it has one
 *
 * `insert`, `move` and `remove` are the only ways in, on and out. They check first and change
 * after, so that a broken rule throws before anything has moved.
 */
export class JobTable {
  readonly #jobs = new OrderedMap<MemoryJob>();
  readonly #byCallerId = new TextMap<MemoryJob>();
  /** By task, then key. */
  readonly #byKey = new Map<string, TextMap<MemoryJob>>();
  readonly #byOwner = new Map<OwnerId, Set<MemoryJob>>();
  readonly #queues = new Map<string, MemoryQueue>();
  /** Scheduled jobs, the next that is due at the top. */
  readonly due: Heap<MemoryJob> = stateHeap((job) => job.runAt);
  /** Leased jobs, the next lease that ends at the top. */
  readonly leases: Heap<MemoryJob> = stateHeap((job) => job.leaseUntil);
  /** Settled rows except the done ones, the one that may go first at the top. */
  readonly settled: Heap<MemoryJob> = new Heap({ isBefore: isPrunedBefore, moved: setStateIndex });
  /** Waiting jobs that have not started and will be worthless one day, the next one at the top. */
  readonly expiring: Heap<MemoryJob> = new Heap({
    isBefore: (a, b) => isEarlier(a, b, (job) => job.expireAt),
    moved: (job, index) => {
      job.expiryIndex = index;
    },
  });
  #arrivals = 0;

  get(id: JobNumber): MemoryJob | undefined {
    return this.#jobs.get(id);
  }

  byCallerId(callerId: string): MemoryJob | undefined {
    return this.#byCallerId.get(callerId);
  }

  /** The unfinished job with this key. */
  byKey(task: string, key: string): MemoryJob | undefined {
    return this.#byKey.get(task)?.get(key);
  }

  isKeyFree({ task, key }: JobShape): boolean {
    return key === null || this.byKey(task, key) === undefined;
  }

  /** The job, if this lease still holds it. */
  held({ id, token }: Lease): MemoryJob | undefined {
    const job = this.#jobs.get(id);
    return job?.state === "leased" && job.token === token ? job : undefined;
  }

  /** The jobs that this owner holds. Copy it before you change them. */
  heldBy(owner: OwnerId): ReadonlySet<MemoryJob> {
    return this.#byOwner.get(owner) ?? new Set();
  }

  queue(name: string): MemoryQueue | undefined {
    return this.#queues.get(name);
  }

  queues(): IterableIterator<MemoryQueue> {
    return this.#queues.values();
  }

  /** The queue, made if it is new; `undefined` when the store holds as many as it may. */
  openQueue(name: string): MemoryQueue | undefined {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    if (this.#queues.size >= QUEUE_COUNT_MAX) return undefined;
    const queue = new MemoryQueue(name);
    this.#queues.set(name, queue);
    return queue;
  }

  /** Stores a job that has no row yet. */
  insert(fresh: FreshJob, wallNow: EpochMs): MemoryJob {
    const { callerId } = fresh.shape;
    invariant(this.#jobs.get(fresh.id) === undefined, "a new job's number is free");
    invariant(this.isKeyFree(fresh.shape), "one unfinished job has a key");
    invariant(
      callerId === null || this.byCallerId(callerId) === undefined,
      "one row has a caller's id",
    );

    const job = newJob(fresh, this.#arrivals++, wallNow);
    this.#jobs.add(job.id, job);
    if (callerId !== null) this.#byCallerId.set(callerId, job);
    this.#enterState(job);
    this.#enterKeys(job);
    return job;
  }

  /** The one place where a job changes its state. */
  move(job: MemoryJob, event: JobEvent, change: JobChange): void {
    const to = transition(job.state, event);
    const facts = STATE_FACTS[to];
    const wasSettled = STATE_FACTS[job.state].settled;
    invariant(
      (change.lease !== undefined) === facts.holdsLease,
      `a ${to} job and its lease disagree`,
    );
    invariant((change.end !== undefined) === facts.settled, `a ${to} job and its end disagree`);
    invariant(!wasSettled || this.isKeyFree(job.shape), "one unfinished job has a key");

    this.#leaveState(job);
    const { lease, end, ...values } = change;
    Object.assign(job, values);
    job.state = to;
    job.owner = lease?.owner ?? null;
    job.leaseUntil = lease?.until ?? null;
    job.settledAt = end?.at ?? null;
    job.pruneAt = end?.pruneAt ?? null;
    this.#enterState(job);
    if (wasSettled !== facts.settled) {
      if (facts.settled) this.#leaveKeys(job);
      else this.#enterKeys(job);
    }
    countEnd(job);
  }

  /** Moves a lease's end and writes what the attempt says of itself; `null` says nothing. */
  renew(job: MemoryJob, { leaseUntil, progress, note }: Renewal): void {
    invariant(job.state === "leased", "only a leased job has a lease to move");
    job.leaseUntil = leaseUntil;
    job.progress = progress ?? job.progress;
    job.note = note ?? job.note;
    this.leases.resort(job, job.stateIndex);
  }

  /** Remembers what an attempt waits for. */
  noteWait(job: MemoryJob, awaited: JobNumber | null): void {
    job.awaits = awaited;
    job.awaitsToken = job.token;
  }

  /** Remembers how an attempt was settled, so that the same settlement once more is known. */
  noteSettlement(job: MemoryJob, token: Token, event: JobEvent): void {
    job.settledToken = token;
    job.settledEvent = event;
  }

  /** Lets a scheduled job start at another time. */
  reschedule(job: MemoryJob, runAt: EpochMs): void {
    invariant(job.state === "scheduled", "only a scheduled job has a time to move");
    job.runAt = runAt;
    this.due.resort(job, job.stateIndex);
  }

  /** Forgets a settled job. */
  remove(job: MemoryJob): void {
    invariant(STATE_FACTS[job.state].settled, "only a settled row is removed");
    this.#leaveState(job);
    this.#jobs.remove(job.id);
    if (job.shape.callerId !== null) this.#byCallerId.delete(job.shape.callerId);
  }

  #enterState(job: MemoryJob): void {
    job.queue.jobs[job.state].add(job.id, job);
    if (job.state === "scheduled") {
      this.due.add(job);
      job.queue.delayed.add(job.order, job);
      if (job.attempt > 0) job.queue.retryingCount++;
    } else if (job.state === "ready") laneOf(job).add(job.order, job);
    else if (job.state === "leased") this.#enterOwner(job);
    else if (job.state === "done") job.queue.done.add(job);
    else this.settled.add(job);
    if (canExpire(job)) this.expiring.add(job);
  }

  #leaveState(job: MemoryJob): void {
    job.queue.jobs[job.state].remove(job.id);
    if (job.state === "scheduled") {
      this.due.remove(job, job.stateIndex);
      job.queue.delayed.remove(job.order);
      if (job.attempt > 0) job.queue.retryingCount--;
    } else if (job.state === "ready") laneOf(job).remove(job.order);
    else if (job.state === "leased") this.#leaveOwner(job);
    else if (job.state === "done") job.queue.done.remove(job, job.stateIndex);
    else this.settled.remove(job, job.stateIndex);
    if (canExpire(job)) this.expiring.remove(job, job.expiryIndex);
  }

  #enterOwner(job: MemoryJob): void {
    this.leases.add(job);
    const { owner } = job;
    if (owner === null) return;
    const held = this.#byOwner.get(owner);
    if (held === undefined) this.#byOwner.set(owner, new Set([job]));
    else held.add(job);
  }

  #leaveOwner(job: MemoryJob): void {
    this.leases.remove(job, job.stateIndex);
    if (job.owner === null) return;
    const held = this.#byOwner.get(job.owner);
    held?.delete(job);
    if (held?.size === 0) this.#byOwner.delete(job.owner);
  }

  #enterKeys(job: MemoryJob): void {
    const { task, key } = job.shape;
    if (key === null) return;
    let keys = this.#byKey.get(task);
    if (keys === undefined) {
      keys = new TextMap();
      this.#byKey.set(task, keys);
    }
    keys.set(key, job);
  }

  #leaveKeys(job: MemoryJob): void {
    const { task, key } = job.shape;
    if (key !== null) this.#byKey.get(task)?.delete(key);
  }
}

/** What a move writes besides the state. What is left out stays, except a lease and an end. */
export interface JobChange {
  /** Exactly when it becomes leased. */
  readonly lease?: { readonly owner: OwnerId; readonly until: MonotonicMs };
  /** Exactly when it becomes settled. */
  readonly end?: { readonly at: EpochMs; readonly pruneAt: EpochMs };
  readonly token?: Token;
  readonly attempt?: number;
  readonly losses?: number;
  readonly runAt?: EpochMs | null;
  readonly expireAt?: EpochMs | null;
  readonly claimedAt?: EpochMs;
  readonly result?: string | null;
  readonly error?: string | null;
  readonly progress?: number | null;
  readonly note?: string | null;
}

/** Expiry is for jobs that never started: one that did may still be worth its retry. */
function canExpire({ state, expireAt, attempt }: MemoryJob): boolean {
  return expireAt !== null && attempt === 0 && STATE_FACTS[state].waiting;
}

function countEnd({ state, queue }: MemoryJob): void {
  if (state === "done") queue.doneTotal++;
  else if (state === "dead" || state === "expired" || state === "dropped") queue.failedTotal++;
}

function stateHeap(when: (job: MemoryJob) => number | null): Heap<MemoryJob> {
  return new Heap({ isBefore: (a, b) => isEarlier(a, b, when), moved: setStateIndex });
}

function setStateIndex(job: MemoryJob, index: number): void {
  job.stateIndex = index;
}

/** The number decides between jobs of one millisecond, so that the order is the same every time. */
function isEarlier(a: MemoryJob, b: MemoryJob, when: (job: MemoryJob) => number | null): boolean {
  const difference = (when(a) ?? 0) - (when(b) ?? 0);
  return difference < 0 || (difference === 0 && a.id < b.id);
}
