import type { Clock, MonotonicMs, Timers } from "../core/clock.ts";
import type { JobNumber, Lease, OwnerId } from "../core/job.ts";
import { LEASE_MS, LEASE_RENEW_MS, WAKE_JOBS_MAX, WAKE_MS } from "../core/limits.ts";
import type { Owner, Store } from "../store/store.ts";
import { Repeater } from "./repeater.ts";

/** Owners looked at per round; more live processes than this on one file is not a case. */
const OWNERS_MAX = 200;

/** A store that did not answer for so long may have kept the living from renewing their leases. */
const OUTAGE_MS = LEASE_MS / 2;

/** How often every queue is looked at although nothing was said of it. */
const LOOK_ALL_MS = 5_000;

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
  readonly #owner: OwnerId;
  readonly #isOwnerDead: OwnerProbe;
  readonly #on: {
    readonly woken: (isNews: boolean) => void;
    readonly settled: (ids: readonly JobNumber[]) => void;
    readonly lost: (leases: readonly Lease[]) => void;
  };
  #nextDueAt: number | null = null;
  /** When the store last took something of ours. */
  #reachedAt: MonotonicMs;
  /** After an outage nothing is taken until then. */
  #restUntil: MonotonicMs = 0;
  #lookedAllAt: MonotonicMs;

  constructor(options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly owner: OwnerId;
    readonly isOwnerDead: OwnerProbe;
    readonly on: {
      /** Each round. `isNews`: jobs may have become ready. */
      readonly woken: (isNews: boolean) => void;
      readonly settled: (ids: readonly JobNumber[]) => void;
      readonly lost: (leases: readonly Lease[]) => void;
    };
    readonly onError: (name: string, error: unknown) => void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#reachedAt = options.clock.now();
    this.#lookedAllAt = options.clock.now();
    this.#owner = options.owner;
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

  /**
   * The store took something of ours: the heartbeat says so. A round of the waker that only looked
   * proves nothing, because readers pass a lock that stops every writer.
   */
  reached(): void {
    const now = this.#clock.now();
    if (this.#hadOutage(now)) this.#restUntil = now + WAKE_MS;
    this.#reachedAt = now;
  }

  async #step(): Promise<number> {
    const restMs = await this.#restMs();
    if (restMs > 0) return restMs;
    const deadOwners = await this.#findDeadOwners();
    // Rather not at all than late: what has run out by then may be renewed in the same moment.
    const deadline = this.#clock.now() + LEASE_RENEW_MS;
    const woken = await this.#store.wake({ limit: WAKE_JOBS_MAX, deadOwners }, deadline);
    this.#nextDueAt = woken.nextDueAt;
    if (woken.lost.length > 0) this.#on.lost(woken.lost);
    if (woken.settled.length > 0) this.#on.settled(woken.settled);
    this.#on.woken(woken.readyCount > 0 || this.#isTimeToLookAll());
    if (woken.more) return 0;
    // Timers fire up to a millisecond early; rounding up avoids a round that finds nothing.
    const dueMs =
      this.#nextDueAt === null ? WAKE_MS : Math.ceil(this.#nextDueAt - this.#clock.wallNow());
    return Math.min(WAKE_MS, Math.max(1, dueMs));
  }

  /** Now and then without news too: a word that got lost must not keep a job waiting for ever. */
  #isTimeToLookAll(): boolean {
    const now = this.#clock.now();
    if (now - this.#lookedAllAt < LOOK_ALL_MS) return false;
    this.#lookedAllAt = now;
    return true;
  }

  /**
   * After a lock or a disk that took nothing for a while, leases of living owners have run out,
   * our own too. They get a round to renew them before this one takes anything, because a job that
   * is taken from a living owner runs twice.
   */
  async #restMs(): Promise<number> {
    if (!this.#store.capabilities.sharedBetweenProcesses) return 0;
    const now = this.#clock.now();
    if (this.#hadOutage(now)) {
      await this.#store.beat(this.#owner, now + LEASE_RENEW_MS);
      this.reached();
    }
    return Math.max(0, this.#restUntil - this.#clock.now());
  }

  #hadOutage(now: MonotonicMs): boolean {
    return now - this.#reachedAt >= OUTAGE_MS;
  }

  async #findDeadOwners(): Promise<{ readonly id: number; readonly reason: string }[]> {
    if (!this.#store.capabilities.sharedBetweenProcesses) return [];
    const owners = await this.#store.owners(OWNERS_MAX);
    return owners.flatMap((owner) => {
      const isOther = owner.leftAt === null && owner.id !== this.#owner;
      const reason = isOther ? this.#whyDead(owner) : null;
      return reason === null ? [] : [{ id: owner.id, reason }];
    });
  }

  #whyDead(owner: Owner): string | null {
    // The clock of a boot starts near 0: leases of the boot before may end days from now.
    const isOfThisBoot = owner.beatAt <= this.#clock.now() + OUTAGE_MS;
    return isOfThisBoot ? this.#isOwnerDead(owner) : "the machine was started anew";
  }
}
