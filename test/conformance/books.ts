import { expect } from "vitest";
import { JOB_STATES, type JobState, STATE_FACTS } from "../../src/core/job-state.ts";
import type { JobRecord } from "../../src/core/job.ts";
import type { QueueRecord, Store } from "../../src/store/store.ts";

type Counts = Record<JobState, number>;

/**
 * What must hold between any two calls, whatever they did: the counters agree with the rows, each
 * row with the facts of its state, and what only ever rises has risen.
 */
export class Books {
  readonly #store: Store;
  readonly #totals = new Map<string, { doneTotal: number; failedTotal: number }>();
  #tokens: ReadonlyMap<number, number> = new Map();

  constructor(store: Store) {
    this.#store = store;
  }

  async check(): Promise<void> {
    // Asked for in one turn, so that no other call comes between the two answers.
    const [queues, jobs] = await Promise.all([
      this.#store.queues(),
      this.#store.list({ queue: null, states: null, limit: 1_000_000, after: null }),
    ]);
    checkCounts(queues, jobs);
    checkRows(jobs);
    this.#checkRising(queues, jobs);
  }

  #checkRising(queues: readonly QueueRecord[], jobs: readonly JobRecord[]): void {
    for (const { name, doneTotal, failedTotal } of queues) {
      const before = this.#totals.get(name) ?? { doneTotal: 0, failedTotal: 0 };
      expect(doneTotal).toBeGreaterThanOrEqual(before.doneTotal);
      expect(failedTotal).toBeGreaterThanOrEqual(before.failedTotal);
      this.#totals.set(name, { doneTotal, failedTotal });
    }
    for (const { id, token } of jobs)
      expect(token).toBeGreaterThanOrEqual(this.#tokens.get(id) ?? 0);
    // Only what is there: a number that comes again after its row was pruned starts anew.
    this.#tokens = new Map(jobs.map(({ id, token }) => [id, token]));
  }
}

function checkCounts(queues: readonly QueueRecord[], jobs: readonly JobRecord[]): void {
  const shown = new Map<string, Counts>();
  const retrying = new Map<string, number>();
  for (const { queue, state, attempt } of jobs) {
    const counts = shown.get(queue) ?? noCounts();
    counts[state]++;
    shown.set(queue, counts);
    if (state === "scheduled" && attempt > 0) retrying.set(queue, (retrying.get(queue) ?? 0) + 1);
  }
  const counted = new Map(queues.map(({ name, counts }) => [name, counts]));
  for (const name of shown.keys()) expect(counted.has(name), `queue ${name} is listed`).toBe(true);
  for (const { name, counts, retryingCount } of queues) {
    expect({ name, counts }).toEqual({ name, counts: shown.get(name) ?? noCounts() });
    expect({ name, retryingCount }).toEqual({ name, retryingCount: retrying.get(name) ?? 0 });
  }
}

function checkRows(jobs: readonly JobRecord[]): void {
  expect(jobs.map(({ id }) => id)).toEqual(
    [...new Set(jobs.map(({ id }) => id))].toSorted((a, b) => a - b),
  );
  const keys = new Set<string>();
  const callerIds = new Set<string>();
  for (const job of jobs) {
    const { holdsLease, settled } = STATE_FACTS[job.state];
    expect(job.leaseUntil !== null, `leaseUntil of a ${job.state} job`).toBe(holdsLease);
    expect(job.settledAt !== null, `settledAt of a ${job.state} job`).toBe(settled);
    expect(job.attempt + job.losses).toBeLessThanOrEqual(job.token);
    if (job.callerId !== null) checkNew(callerIds, job.callerId);
    if (job.key !== null && !settled) checkNew(keys, JSON.stringify([job.task, job.key]));
  }
}

function checkNew(seen: Set<string>, value: string): void {
  expect(seen.has(value), `${value} is there once`).toBe(false);
  seen.add(value);
}

/** Every state, with no job in it. */
export function noCounts(): Counts {
  const counts = {
    scheduled: 0,
    ready: 0,
    leased: 0,
    done: 0,
    dead: 0,
    cancelled: 0,
    expired: 0,
    dropped: 0,
  };
  expect(Object.keys(counts)).toEqual([...JOB_STATES]);
  return counts;
}
