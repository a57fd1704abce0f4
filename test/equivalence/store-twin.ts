import type { JobRecord, JobShape, Lease, OwnerId, Settlement } from "../../src/core/job.ts";
import { formatJobId } from "../../src/core/job-id.ts";
import { LOSSES_MAX } from "../../src/core/limits.ts";
import type { AddGroup, QueueRecord } from "../../src/store/store.ts";
import { anOwner, type OpenedStore } from "../conformance/scene.ts";
import type { GroupPlan, SettlementPlan, StoreCommand } from "./store-command.ts";

const KEEP_MS = 3_600_000;
/** Errors that the test hands in; the words of a store's own errors are its own. */
const GIVEN_ERROR = '{"name":"Error","message":"given"}';

/** What a store shows: all that a caller could ever learn, in an order of its own choosing. */
export interface StoreView {
  readonly answer: unknown;
  readonly queues: readonly QueueRecord[];
  readonly jobs: readonly JobRecord[];
}

/** One of two stores that are led through the same steps. */
export class StoreTwin implements AsyncDisposable {
  readonly #opened: OpenedStore;
  #owner: OwnerId;
  /** Newest first. */
  #leases: Lease[] = [];

  private constructor(opened: OpenedStore, owner: OwnerId) {
    this.#opened = opened;
    this.#owner = owner;
  }

  static async open(opened: OpenedStore): Promise<StoreTwin> {
    return new StoreTwin(opened, await opened.store.join(anOwner({ queues: ["mail"] }), 1e9));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
  }

  async step(command: StoreCommand): Promise<StoreView> {
    const { store } = this.#opened;
    const answer = await this.#do(command);
    const [queues, jobs] = await Promise.all([
      store.queues(),
      store.list({ queue: null, states: null, limit: 1_000, after: null }),
    ]);
    return {
      answer,
      queues: queues.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      jobs: jobs.map((job) => ({ ...job, error: shownError(job.error) })),
    };
  }

  async #do(command: StoreCommand): Promise<unknown> {
    const { store, clock } = this.#opened;
    const deadline = clock.now() + 1e9;
    switch (command.kind) {
      case "add":
        return store.add(
          command.groups.map((plan) => this.#group(plan)),
          deadline,
        );
      case "claim":
        return this.#claim(command);
      case "settle":
        return store.settle(
          command.settlements.flatMap((plan) => this.#settlement(plan)),
          deadline,
        );
      case "renew": {
        const lease = this.#leases[command.lease];
        if (lease === undefined) return undefined;
        const leaseUntil = clock.now() + command.forMs;
        const { progress } = command;
        return store.renew([{ ...lease, leaseUntil, progress, note: null }], deadline);
      }
      case "wake":
        return this.#wake(command.isOwnerDead);
      case "hasten":
        return store.hasten(command.ids, clock.wallNow() + command.inMs, deadline);
      case "prune":
        return store.prune({ limit: 1_000, doneCountMax: command.doneCountMax }, deadline);
      case "cancel":
        return store.cancel({ ids: command.ids, keepMs: KEEP_MS, error: GIVEN_ERROR }, deadline);
      case "revive":
        return store.revive(command.ids, deadline);
      case "setPaused":
        return store.setPaused(command.queue, command.paused, deadline);
      case "wearOut":
        return this.#wearOut(command.task);
      case "advance":
        clock.advance(command.ms);
        // Which commits count as a sign of life is not what is compared here.
        return store.beat(this.#owner, deadline);
    }
  }

  #group(plan: GroupPlan): AddGroup {
    const { runInMs, expireInMs, jobs, capacity, atomic, overflow, isNumberGiven, ...rest } = plan;
    const now = this.#opened.clock.wallNow();
    const shape: JobShape = {
      ...rest,
      ...(isNumberGiven ? { callerId: formatJobId(jobs[0]?.id ?? 1) } : {}),
      extra: null,
      runAt: runInMs === null ? null : now + runInMs,
      expireAt: expireInMs === null ? null : now + expireInMs,
    };
    const ids = jobs.map(({ id }) => id);
    const payloads = jobs.map(({ payload }) => payload);
    return { shape, capacity, atomic, overflow, ids, payloads };
  }

  async #claim({
    queue,
    tasks,
    limit,
    suspects,
  }: Extract<StoreCommand, { kind: "claim" }>): Promise<unknown> {
    const { store, clock } = this.#opened;
    const slots = [{ queue, tasks, limit, ...(suspects === null ? {} : { suspects }) }];
    const claimed = await store.claim({ owner: this.#owner, slots }, clock.now() + 1e9);
    this.#leases = [...claimed.map(({ id, token }) => ({ id, token })), ...this.#leases];
    return claimed;
  }

  #settlement({ lease, event, ms }: SettlementPlan): readonly Settlement[] {
    const held = this.#leases[lease];
    if (held === undefined) return [];
    switch (event) {
      case "succeed":
        return [{ ...held, outcome: { event, result: "1", error: null, keepMs: ms } }];
      case "failForRetry":
        return [
          {
            ...held,
            outcome: { event, error: GIVEN_ERROR, runAt: this.#opened.clock.wallNow() + ms },
          },
        ];
      case "failForGood":
      case "cancel":
        return [{ ...held, outcome: { event, error: GIVEN_ERROR, keepMs: ms } }];
      case "handBack":
        return [{ ...held, outcome: { event } }];
      case "loseLease":
        return [{ ...held, outcome: { event, error: GIVEN_ERROR } }];
    }
  }

  async #wake(isOwnerDead: boolean): Promise<unknown> {
    const { store, clock } = this.#opened;
    const deadline = clock.now() + 1e9;
    const deadOwners = isOwnerDead ? [{ id: this.#owner, reason: "killed" }] : [];
    const { settled, lost, ...rest } = await store.wake({ limit: 1_000, deadOwners }, deadline);
    if (isOwnerDead) this.#owner = await store.join(anOwner({ queues: ["mail"] }), deadline);
    return {
      ...rest,
      settled: settled.toSorted((a, b) => a - b),
      lost: lost.toSorted((a, b) => a.id - b.id),
    };
  }

  /** Loses the first job of a task until it is one loss away from the dead letters. */
  async #wearOut(task: string): Promise<unknown> {
    const { store, clock } = this.#opened;
    const deadline = clock.now() + 1e9;
    const slots = [{ queue: "mail", tasks: [task], limit: 1 }];
    const lost: unknown[] = [];
    for (let loss = 0; loss < LOSSES_MAX; loss++) {
      const [job] = await store.claim({ owner: this.#owner, slots }, deadline);
      if (job === undefined) break;
      const { id, token, losses } = job;
      const event = losses < LOSSES_MAX ? "loseLease" : "handBack";
      const outcome = event === "handBack" ? { event } : { event, error: GIVEN_ERROR };
      lost.push(await store.settle([{ id, token, outcome } as Settlement], deadline), job);
    }
    return lost;
  }
}

function shownError(error: string | null): string | null {
  return error === null || error === GIVEN_ERROR ? error : "the store's own";
}
