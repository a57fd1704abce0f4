import type { Clock, MonotonicMs } from "../core/clock.ts";
import { invariant } from "../core/invariant.ts";
import { type ClaimedJob, isSuspect, type JobNumber, type Lease } from "../core/job.ts";
import { PREFETCH_JOBS_MAX, PREFETCH_MS } from "../core/limits.ts";
import { NumberMap } from "../core/number-map.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { CrewLane, TaskFacts } from "../core/task.ts";
import type { AbortReason } from "./messages.ts";

/** A place where handlers run: the main loop, or one of the supervisor's crews. */
export interface Lane {
  readonly name: "loop" | CrewLane;
  /** Attempts that run at once. */
  readonly slots: number;
  start(jobs: readonly ClaimedJob[]): void;
  abort(leases: readonly Lease[], reason: AbortReason): void;
  /** Asks for the attempts that have not begun; they come back as "unstarted" ends. */
  giveBack(): void;
  /**
   * Present: jobs are claimed only for members that stand, and this tells how many would be. The
   * lane says with `setStanding` when they do.
   */
  readonly warm?: (count: number) => void;
}

/** An attempt that a lane holds: running, or waiting there for its slot. */
export interface Attempt {
  readonly job: ClaimedJob;
  readonly facts: TaskFacts;
  readonly lane: Lane;
  readonly since: MonotonicMs;
}

/** Weight of the newest window in the rate of completions. */
const RATE_WEIGHT = 0.3;
const RATE_WINDOW_MS = 10;

/** How fast a lane completes, and from it how many jobs it may hold beyond its slots. */
class LaneRate {
  #perMs = 0;
  #windowStart: MonotonicMs = 0;
  #completed = 0;

  completed(count: number, now: MonotonicMs): void {
    this.#completed += count;
    const elapsed = now - this.#windowStart;
    if (elapsed < RATE_WINDOW_MS) return;
    // After a pause the old rate says nothing; the window then starts anew.
    const rate = this.#completed / elapsed;
    this.#perMs = elapsed > 1_000 ? rate : this.#perMs * (1 - RATE_WEIGHT) + rate * RATE_WEIGHT;
    this.#windowStart = now;
    this.#completed = 0;
  }

  /** Jobs worth holding in advance: what is over within PREFETCH_MS at the measured rate. */
  get prefetch(): number {
    return Math.min(PREFETCH_JOBS_MAX, Math.floor(this.#perMs * PREFETCH_MS));
  }
}

/**
 * Knows which attempts run where. It starts what the fetcher claimed, takes the ends from the
 * lanes, and tells how many more jobs each lane can use. It decides nothing about outcomes.
 */
export class Executor {
  readonly #clock: Clock;
  readonly #tasks: ReadonlyMap<string, TaskFacts>;
  readonly #lanes: readonly Lane[];
  readonly #attempts = new NumberMap<Attempt>();
  readonly #held = new Map<Lane, number>();
  readonly #closed = new Set<Lane>();
  /** Members that have started, of lanes where that counts. */
  readonly #standing = new Map<Lane, number>();
  #onEnded: ((attempt: Attempt) => void) | undefined;
  readonly #rates = new Map<Lane, LaneRate>();

  constructor(clock: Clock, tasks: readonly TaskFacts[], lanes: readonly Lane[]) {
    this.#clock = clock;
    this.#tasks = new Map(tasks.map((facts) => [facts.name, facts]));
    this.#lanes = lanes.filter(({ slots }) => slots > 0);
    for (const lane of this.#lanes) {
      this.#held.set(lane, 0);
      this.#rates.set(lane, new LaneRate());
    }
  }

  get lanes(): readonly Lane[] {
    return this.#lanes;
  }

  get attempts(): Iterable<Attempt> {
    return this.#attempts.values();
  }

  get attemptCount(): number {
    return this.#attempts.size;
  }

  /** Calls for each attempt that ends or no longer counts. */
  whenEnded(listener: (attempt: Attempt) => void): void {
    this.#onEnded = listener;
  }

  /** Where jobs of a task run, while that takes jobs. */
  openLaneOf(task: string): Lane | undefined {
    const runs = this.#tasks.get(task)?.runs;
    return this.#lanes.find((lane) => lane.name === runs && !this.#closed.has(lane));
  }

  /** Which of these queues hold tasks of which none runs here any more. */
  deafTo(queues: readonly string[]): readonly string[] {
    const tasks = [...this.#tasks.values()];
    const heard = tasks.filter(({ name }) => this.openLaneOf(name) !== undefined);
    return queues.filter((queue) => !heard.some((facts) => facts.queue === queue));
  }

  /** The lane takes no more jobs: its restart budget is used up. */
  closeLane(name: Lane["name"]): void {
    for (const lane of this.#lanes) if (lane.name === name) this.#closed.add(lane);
  }

  /** So many members of the lane have started and not ended. */
  setStanding(name: Lane["name"], count: number): void {
    for (const lane of this.#lanes) if (lane.name === name) this.#standing.set(lane, count);
  }

  /** Jobs that the lane can use now: free slots and what it will finish soon. */
  room(lane: Lane): number {
    if (this.#closed.has(lane)) return 0;
    const held = this.#held.get(lane) ?? 0;
    if (lane.warm !== undefined) return Math.min(lane.slots, this.#standing.get(lane) ?? 0) - held;
    return lane.slots + (this.#rates.get(lane)?.prefetch ?? 0) - held;
  }

  /** Jobs that it could use besides, if members stood for them. */
  coldRoom(lane: Lane): number {
    if (this.#closed.has(lane) || lane.warm === undefined) return 0;
    return lane.slots - Math.max(this.#standing.get(lane) ?? 0, this.#held.get(lane) ?? 0);
  }

  start(lane: Lane, jobs: readonly ClaimedJob[]): void {
    const since = this.#clock.now();
    for (const job of jobs) {
      const facts = this.#tasks.get(job.task);
      invariant(
        facts !== undefined,
        `a job of task "${job.task}" was claimed here, and it is not known here`,
      );
      // Its lease was lost before we noticed, and claimed here again: the old body has to stop.
      const old = this.#attempts.get(job.id);
      if (old !== undefined) this.abort([{ id: job.id, token: old.job.token }], "lost");
      this.#attempts.set(job.id, { job, facts, lane, since });
    }
    this.#held.set(lane, (this.#held.get(lane) ?? 0) + jobs.length);
    if (jobs.length > 0) lane.start(jobs);
  }

  /** Takes over attempts that were begun under an engine that died; their lanes have them already. */
  adopt(jobs: readonly ClaimedJob[]): void {
    const since = this.#clock.now();
    for (const job of jobs) {
      const facts = this.#tasks.get(job.task);
      const lane = this.#laneOf(job, facts);
      if (facts === undefined || lane === undefined) continue;
      // Claimed here anew since: the attempt of before has lost its lease.
      if (this.#attempts.has(job.id)) continue;
      this.#attempts.set(job.id, { job, facts, lane, since });
      this.#held.set(lane, (this.#held.get(lane) ?? 0) + 1);
    }
  }

  #laneOf(job: ClaimedJob, facts: TaskFacts | undefined): Lane | undefined {
    const alone = isSuspect(job) ? this.#lanes.find(({ name }) => name === "alone") : undefined;
    return alone ?? this.#lanes.find(({ name }) => name === facts?.runs);
  }

  /** The attempt that ended and is now forgotten; `undefined` when it no longer counted. */
  ended({ id, token }: Lease, kind: AttemptEnd["kind"]): Attempt | undefined {
    const attempt = this.#attempts.get(id);
    if (attempt === undefined || attempt.job.token !== token) return undefined;
    this.#attempts.delete(id);
    this.#held.set(attempt.lane, (this.#held.get(attempt.lane) ?? 0) - 1);
    if (kind !== "unstarted") this.#rates.get(attempt.lane)?.completed(1, this.#clock.now());
    this.#onEnded?.(attempt);
    return attempt;
  }

  /** Drops attempts whose lease is gone and tells their handlers to stop. */
  abort(leases: readonly Lease[], reason: AbortReason): void {
    const byLane = new Map<Lane, Lease[]>();
    for (const lease of leases) {
      const attempt = this.ended(lease, "unstarted");
      if (attempt === undefined) continue;
      const list = byLane.get(attempt.lane) ?? [];
      list.push(lease);
      byLane.set(attempt.lane, list);
    }
    for (const [lane, list] of byLane) lane.abort(list, reason);
  }

  find(id: JobNumber): Attempt | undefined {
    return this.#attempts.get(id);
  }
}
