import type { Clock } from "../core/clock.ts";
import { type ClaimedJob, isSuspect, type OwnerId } from "../core/job.ts";
import { OPEN_MS_MAX } from "../core/limits.ts";
import type { TaskFacts } from "../core/task.ts";
import type { ClaimSlot, Store } from "../store/store.ts";
import type { Executor, Lane } from "./executor.ts";
import type { Service } from "./service.ts";
import type { Target } from "./job-waits.ts";
import { overOrAborted } from "./stop-signal.ts";

/** "again": a reason to look came up while a claim was under way. */
type Phase = "new" | "idle" | "claiming" | "again" | "stopped";

/** What one lane can take from one queue; with `ids`, jobs that are wanted by name. */
interface Source extends Omit<ClaimSlot, "limit"> {
  readonly lane: Lane;
}

interface PlannedClaim {
  readonly source: Source;
  readonly slot: ClaimSlot;
}

/**
 * Claims as many jobs as the lanes can use. It looks only when there is a reason: a queue is said
 * to have something (`noteReady`), or a slot came free while a queue may still have more.
 */
export class Fetcher implements Service {
  readonly name = "fetcher";
  readonly #store: Store;
  readonly #executor: Executor;
  readonly #clock: Clock;
  readonly #owner: OwnerId;
  /** The sources of each lane; the one whose turn it is comes first. */
  readonly #sources: Map<Lane, readonly Source[]>;
  readonly #onError: (name: string, error: unknown) => void;
  readonly #onClaimed: (jobs: readonly ClaimedJob[]) => void;
  readonly #targets: () => readonly Target[];
  /** The jobs that are wanted by name may be ready. */
  #areTargetsDue = false;
  /**
   * Sources that may have ready jobs. One leaves when a claim found less than it asked for. Not
   * queues: what one lane takes from a queue says nothing about the tasks of another lane.
   */
  readonly #maybeReady = new Set<Source>();
  #phase: Phase = "new";
  #claiming: Promise<void> = Promise.resolve();
  /** Lanes that were told to start members, which do not stand yet. */
  readonly #warming = new Set<Lane>();
  #scouting: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly store: Store;
    readonly executor: Executor;
    readonly clock: Clock;
    readonly owner: OwnerId;
    readonly tasks: readonly TaskFacts[];
    readonly queues: readonly string[];
    readonly onClaimed: (jobs: readonly ClaimedJob[]) => void;
    /** Jobs that are wanted by name, beyond the room of their lanes. */
    readonly targets: () => readonly Target[];
    readonly onError: (name: string, error: unknown) => void;
  }) {
    this.#store = options.store;
    this.#executor = options.executor;
    this.#clock = options.clock;
    this.#owner = options.owner;
    this.#onClaimed = options.onClaimed;
    this.#targets = options.targets;
    this.#onError = options.onError;
    this.#sources = new Map(
      options.executor.lanes.map((lane) => [lane, sourcesOf(lane, options)] as const),
    );
  }

  start(): void {
    if (this.#phase !== "new") return;
    this.#phase = "idle";
    this.noteAll();
  }

  /** The queue may have new jobs, which are no suspects. */
  noteReady(queue: string): void {
    for (const [lane, sources] of this.#sources) {
      if (lane.name === "alone") continue;
      for (const source of sources) if (source.queue === queue) this.#maybeReady.add(source);
    }
    this.look();
  }

  /** Any queue may have ready jobs: something changed that does not say where. */
  noteAll(): void {
    this.#warming.clear();
    for (const sources of this.#sources.values()) {
      for (const source of sources) this.#maybeReady.add(source);
    }
    this.noteTargets();
  }

  /** Jobs that are wanted by name may be ready. */
  noteTargets(): void {
    this.#areTargetsDue = true;
    this.look();
  }

  /** Claims if there is room and something may be there. Submitted at once, so that it shares the commit. */
  look(): void {
    if (this.#phase === "claiming") this.#phase = "again";
    if (this.#phase !== "idle") return;
    const plan = this.#plan();
    if (plan.length > 0) this.#claiming = this.#claim(plan);
    this.#scout();
  }

  /** Members of a lane stand for jobs, or no longer do. */
  noteStanding(name: Lane["name"]): void {
    for (const lane of this.#warming) if (lane.name === name) this.#warming.delete(lane);
    this.look();
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#phase = "stopped";
    await overOrAborted(Promise.all([this.#claiming, this.#scouting]), signal);
  }

  /** Lanes that claim only for members that stand: have some started if there are jobs for them. */
  #scout(): void {
    for (const [lane, sources] of this.#sources) {
      const limit = this.#executor.coldRoom(lane);
      if (limit <= 0 || this.#warming.has(lane)) continue;
      const asked = sources.filter((source) => this.#maybeReady.has(source));
      if (asked.length === 0) continue;
      this.#warming.add(lane);
      this.#scouting = this.#warm(lane, asked, limit);
    }
  }

  async #warm(lane: Lane, sources: readonly Source[], limit: number): Promise<void> {
    for (const source of sources) this.#maybeReady.delete(source);
    const slots = sources.map(({ lane: _, ...wanted }) => ({ ...wanted, limit }));
    try {
      const count = await this.#store.countClaimable(slots);
      if (count === 0) {
        this.#warming.delete(lane);
        return;
      }
      for (const source of sources) this.#maybeReady.add(source);
      lane.warm?.(Math.min(count, limit));
      this.look();
    } catch (error) {
      this.#warming.delete(lane);
      for (const source of sources) this.#maybeReady.add(source);
      this.#onError(this.name, error);
    }
  }

  /** A share of the room for each source that may have something; more sources than room take turns. */
  #plan(): PlannedClaim[] {
    const plan = this.#planTargets();
    for (const [lane, sources] of this.#sources) {
      let room = this.#executor.room(lane);
      if (room <= 0) continue;
      const asked = sources.filter((source) => this.#maybeReady.has(source)).slice(0, room);
      for (const [index, source] of asked.entries()) {
        const limit = Math.ceil(room / (asked.length - index));
        room -= limit;
        const { lane: _, ...wanted } = source;
        plan.push({ source, slot: { ...wanted, limit } });
      }
      if (asked.length > 0 && sources.length > 1) this.#toTheEnd(lane, asked);
    }
    return plan;
  }

  /** Before all others: who waits for them holds a slot. */
  #planTargets(): PlannedClaim[] {
    if (!this.#areTargetsDue) return [];
    this.#areTargetsDue = false;
    return this.#targets().map(({ lane, slot }) => ({ source: { lane, ...slot }, slot }));
  }

  #toTheEnd(lane: Lane, asked: readonly Source[]): void {
    const others = (this.#sources.get(lane) ?? []).filter((source) => !asked.includes(source));
    this.#sources.set(lane, [...others, ...asked]);
  }

  async #claim(plan: readonly PlannedClaim[]): Promise<void> {
    this.#phase = "claiming";
    // Cleared before the claim: what is noted while it runs must not be forgotten by its answer.
    const general = plan.flatMap(({ source }) => (source.ids === undefined ? [source] : []));
    for (const source of general) this.#maybeReady.delete(source);
    try {
      const slots = plan.map(({ slot }) => slot);
      const deadline = this.#clock.now() + OPEN_MS_MAX;
      const jobs = await this.#store.claim({ owner: this.#owner, slots }, deadline);
      this.#dispatch(plan, jobs);
    } catch (error) {
      for (const source of general) this.#maybeReady.add(source);
      if (general.length < plan.length) this.#areTargetsDue = true;
      this.#onError(this.name, error);
      // No look() here: a broken store would spin. The waker's next round tries again.
      if (!this.#isStopped()) this.#phase = "idle";
      return;
    }
    if (this.#isStopped()) return;
    this.#phase = "idle";
    this.look();
  }

  #isStopped(): boolean {
    return this.#phase === "stopped";
  }

  #dispatch(plan: readonly PlannedClaim[], jobs: readonly ClaimedJob[]): void {
    if (jobs.length > 0) this.#onClaimed(jobs);
    for (const { source, slot } of plan) {
      const taken = plan.length === 1 ? jobs : jobs.filter((job) => isFor(job, source, plan));
      if (source.ids === undefined && taken.length >= slot.limit) this.#maybeReady.add(source);
      this.#executor.start(source.lane, taken);
    }
    for (const lane of new Set(plan.map(({ source }) => source.lane))) {
      // Others took the jobs that its members stand for.
      const isMore = this.#sources.get(lane)?.some((source) => this.#maybeReady.has(source));
      if (isMore !== true && this.#executor.room(lane) > 0) lane.warm?.(0);
    }
  }
}

/**
 * Whether the job was claimed for this source. A suspect that an older build left among the others
 * belongs to whoever has its task.
 */
function isFor(job: ClaimedJob, source: Source, plan: readonly PlannedClaim[]): boolean {
  const wants = ({ queue, tasks }: Source): boolean =>
    queue === job.queue && tasks.includes(job.task);
  if (!wants(source)) return false;
  const byName = plan.find(({ slot }) => slot.ids?.includes(job.id) === true);
  if (byName !== undefined || source.ids !== undefined) return byName?.source === source;
  if ((source.lane.name === "alone") === isSuspect(job)) return true;
  return !plan.some((other) => other.source !== source && wants(other.source));
}

/**
 * A lane runs the tasks that name it; the lane for suspects runs those of all others. Where there
 * is none, suspects run where their task says, after all others.
 */
function sourcesOf(
  lane: Lane,
  {
    executor: { lanes },
    tasks,
    queues,
  }: {
    readonly executor: { readonly lanes: readonly Lane[] };
    readonly tasks: readonly TaskFacts[];
    readonly queues: readonly string[];
  },
): Source[] {
  const isAlone = lane.name === "alone";
  const hasAlone = lanes.some(({ name }) => name === "alone");
  const suspects = isAlone ? "only" : "without";
  const isOurs = ({ runs }: TaskFacts): boolean =>
    isAlone ? lanes.some(({ name }) => name === runs) : runs === lane.name;
  return queues.flatMap((queue) => {
    const names = tasks
      .filter((facts) => facts.queue === queue && isOurs(facts))
      .map(({ name }) => name);
    if (names.length === 0) return [];
    return [{ lane, queue, tasks: names, ...(hasAlone ? { suspects } : {}) }];
  });
}
