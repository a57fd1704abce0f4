import type { Clock } from "../core/clock.ts";
import type { ClaimedJob, OwnerId } from "../core/job.ts";
import { OPEN_MS_MAX } from "../core/limits.ts";
import type { TaskFacts } from "../core/task.ts";
import type { ClaimSlot, Store } from "../store/store.ts";
import type { Executor, Lane } from "./executor.ts";
import type { Service } from "./service.ts";

/** "again": a reason to look came up while a claim was under way. */
type Phase = "new" | "idle" | "claiming" | "again" | "stopped";

/** What one lane can take from one queue. */
interface Source {
  readonly lane: Lane;
  readonly queue: string;
  readonly tasks: readonly string[];
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
  readonly #sources: readonly Source[];
  readonly #onError: (name: string, error: unknown) => void;
  readonly #onClaimed: (jobs: readonly ClaimedJob[]) => void;
  /** Queues that may have ready jobs. A queue leaves when a claim found less than it asked for. */
  readonly #maybeReady = new Set<string>();
  #phase: Phase = "new";
  #turn = 0;
  #claiming: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly store: Store;
    readonly executor: Executor;
    readonly clock: Clock;
    readonly owner: OwnerId;
    readonly tasks: readonly TaskFacts[];
    readonly queues: readonly string[];
    readonly onClaimed: (jobs: readonly ClaimedJob[]) => void;
    readonly onError: (name: string, error: unknown) => void;
  }) {
    this.#store = options.store;
    this.#executor = options.executor;
    this.#clock = options.clock;
    this.#owner = options.owner;
    this.#onClaimed = options.onClaimed;
    this.#onError = options.onError;
    this.#sources = sourcesOf(options.executor.lanes, options);
  }

  start(): void {
    if (this.#phase !== "new") return;
    this.#phase = "idle";
    this.noteAll();
  }

  /** The queue may have ready jobs. */
  noteReady(queue: string): void {
    this.#maybeReady.add(queue);
    this.look();
  }

  /** Any queue may have ready jobs: something changed that does not say where. */
  noteAll(): void {
    for (const { queue } of this.#sources) this.#maybeReady.add(queue);
    this.look();
  }

  /** Claims if there is room and something may be there. Submitted at once, so that it shares the commit. */
  look(): void {
    if (this.#phase === "claiming") this.#phase = "again";
    if (this.#phase !== "idle") return;
    const plan = this.#plan();
    if (plan.length > 0) this.#claiming = this.#claim(plan);
  }

  async stop(): Promise<void> {
    this.#phase = "stopped";
    await this.#claiming;
  }

  /** A share of the room for each source that may have something, starting at another one each time. */
  #plan(): { readonly source: Source; readonly slot: ClaimSlot }[] {
    const plan: { source: Source; slot: ClaimSlot }[] = [];
    for (const lane of this.#executor.lanes) {
      const sources = this.#sources.filter(
        (source) => source.lane === lane && this.#maybeReady.has(source.queue),
      );
      let room = this.#executor.room(lane);
      for (let index = 0; index < sources.length && room > 0; index++) {
        const source = sources[(index + this.#turn) % sources.length];
        if (source === undefined) continue;
        const limit = Math.ceil(room / (sources.length - index));
        room -= limit;
        plan.push({ source, slot: { queue: source.queue, tasks: source.tasks, limit } });
      }
    }
    this.#turn++;
    return plan;
  }

  async #claim(
    plan: readonly { readonly source: Source; readonly slot: ClaimSlot }[],
  ): Promise<void> {
    this.#phase = "claiming";
    // Cleared before the claim: what is noted while it runs must not be forgotten by its answer.
    for (const { source } of plan) this.#maybeReady.delete(source.queue);
    try {
      const slots = plan.map(({ slot }) => slot);
      const deadline = this.#clock.now() + OPEN_MS_MAX;
      const jobs = await this.#store.claim({ owner: this.#owner, slots }, deadline);
      this.#dispatch(plan, jobs);
    } catch (error) {
      for (const { source } of plan) this.#maybeReady.add(source.queue);
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

  #dispatch(
    plan: readonly { readonly source: Source; readonly slot: ClaimSlot }[],
    jobs: readonly ClaimedJob[],
  ): void {
    if (jobs.length > 0) this.#onClaimed(jobs);
    for (const { source, slot } of plan) {
      const taken = jobs.filter((job) => job.queue === slot.queue && slot.tasks.includes(job.task));
      if (taken.length >= slot.limit) this.#maybeReady.add(slot.queue);
      this.#executor.start(source.lane, taken);
    }
  }
}

function sourcesOf(
  lanes: readonly Lane[],
  { tasks, queues }: { readonly tasks: readonly TaskFacts[]; readonly queues: readonly string[] },
): Source[] {
  return lanes.flatMap((lane) =>
    queues.flatMap((queue) => {
      const names = tasks
        .filter(
          (facts) =>
            facts.queue === queue && (facts.runs === "loop" ? "loop" : "thread") === lane.name,
        )
        .map(({ name }) => name);
      return names.length === 0 ? [] : [{ lane, queue, tasks: names }];
    }),
  );
}
