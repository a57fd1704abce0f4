import type { Clock, Timers } from "../core/clock.ts";
import type { JobNumber, Lease } from "../core/job.ts";
import { LEASE_MS, WAKE_JOBS_MAX, WAKE_MS } from "../core/limits.ts";
import type { Owner, Store } from "../store/store.ts";
import { Repeater } from "./repeater.ts";

/** Owners looked at per round; more live processes than this on one file is not a case. */
const OWNERS_MAX = 200;

/** Why an owner is certainly gone, or `null` while it may live. */
export type OwnerProbe = (owner: Owner) => string | null;

/**
 * Does what time does: brings due jobs back, expires the stale, and takes jobs from owners that
 * died: at once when the machine can tell (their process is gone), else when the lease runs out.
 */
export class Waker {
  readonly repeater: Repeater;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #isOwnerDead: OwnerProbe;
  readonly #on: {
    readonly woken: () => void;
    readonly settled: (ids: readonly JobNumber[]) => void;
    readonly lost: (leases: readonly Lease[]) => void;
  };
  #nextDueAt: number | null = null;

  constructor(options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly isOwnerDead: OwnerProbe;
    readonly on: {
      /** Each round: jobs may have become ready. */
      readonly woken: () => void;
      readonly settled: (ids: readonly JobNumber[]) => void;
      readonly lost: (leases: readonly Lease[]) => void;
    };
    readonly onError: (name: string, error: unknown) => void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#isOwnerDead = options.isOwnerDead;
    this.#on = options.on;
    const { timers, onError } = options;
    const step = (): Promise<number> => this.#step();
    this.repeater = new Repeater({ name: "waker", step, timers, onError, retryMs: WAKE_MS });
  }

  /** A job was scheduled for then: do not sleep past it. */
  noteDue(runAt: number): void {
    if (this.#nextDueAt !== null && this.#nextDueAt <= runAt) return;
    this.#nextDueAt = runAt;
    if (runAt - this.#clock.wallNow() < WAKE_MS) this.repeater.now();
  }

  async #step(): Promise<number> {
    const deadOwners = await this.#findDeadOwners();
    const deadline = this.#clock.now() + LEASE_MS;
    const woken = await this.#store.wake({ limit: WAKE_JOBS_MAX, deadOwners }, deadline);
    this.#nextDueAt = woken.nextDueAt;
    if (woken.lost.length > 0) this.#on.lost(woken.lost);
    if (woken.settled.length > 0) this.#on.settled(woken.settled);
    this.#on.woken();
    if (woken.more) return 0;
    // Timers fire up to a millisecond early; rounding up avoids a round that finds nothing.
    const dueMs =
      this.#nextDueAt === null ? WAKE_MS : Math.ceil(this.#nextDueAt - this.#clock.wallNow());
    return Math.min(WAKE_MS, Math.max(1, dueMs));
  }

  async #findDeadOwners(): Promise<{ readonly id: number; readonly reason: string }[]> {
    if (!this.#store.capabilities.sharedBetweenProcesses) return [];
    const owners = await this.#store.owners(OWNERS_MAX);
    return owners.flatMap((owner) => {
      const reason = owner.leftAt === null ? this.#isOwnerDead(owner) : null;
      return reason === null ? [] : [{ id: owner.id, reason }];
    });
  }
}
