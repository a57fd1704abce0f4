import type { Clock, EpochMs, Random, Timers } from "../core/clock.ts";
import type { JobNumber, Lease, Settlement } from "../core/job.ts";
import { LEASE_MS, LOCK_RETRY_MS } from "../core/limits.ts";
import { NumberMap } from "../core/number-map.ts";
import { type AttemptEnd, outcomeOf } from "../core/outcome.ts";
import type { Store } from "../store/store.ts";
import type { Attempt } from "./executor.ts";
import type { Service } from "./service.ts";
import { aborted } from "./stop-signal.ts";

/** Longest pause between two tries to settle while the store fails. */
const RETRY_MS_MAX = 1_000;

interface Due {
  readonly settlement: Settlement;
  /** The store renews these leases while they are due, so that a long lock costs no second run. */
  readonly attempt: Attempt;
}

/**
 * Makes outcomes of ends and writes them in batches. What the store refuses is kept and tried
 * again, its lease renewed meanwhile: an attempt that has ended is not run again because a disk
 * was full for a while.
 */
export class Settler implements Service {
  readonly name = "settler";
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #onSettled: (ids: readonly JobNumber[]) => void;
  readonly #onRetry: (runAt: EpochMs) => void;
  readonly #onLost: () => void;
  readonly #onError: (name: string, error: unknown) => void;
  #due: Due[] = [];
  /** In the store's hands, or waiting there to be tried again. */
  readonly #unconfirmed = new NumberMap<Due>();
  readonly #writes = new Set<Promise<void>>();
  /** Pauses before another try; each can be cut short. */
  readonly #pauses = new Set<() => void>();
  #isStopped = false;

  constructor(options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly random: Random;
    /** After the outcomes are stored. */
    readonly onSettled: (ids: readonly JobNumber[]) => void;
    /** Some of them are to be tried again, the first at this instant. */
    readonly onRetry: (runAt: EpochMs) => void;
    /** Some of them were lost with their thread or process, and are ready again. */
    readonly onLost: () => void;
    readonly onError: (name: string, error: unknown) => void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#random = options.random;
    this.#onSettled = options.onSettled;
    this.#onRetry = options.onRetry;
    this.#onLost = options.onLost;
    this.#onError = options.onError;
  }

  start(): void {
    this.#isStopped = false;
  }

  /** Notes one end; {@link flush} writes all that were noted. */
  add(attempt: Attempt, end: AttemptEnd): void {
    const { job, facts } = attempt;
    const chance = { wallNow: this.#clock.wallNow(), random: this.#random };
    const outcome = outcomeOf(end, { facts, attempt: job.attempt, losses: job.losses }, chance);
    this.#due.push({ settlement: { id: job.id, token: job.token, outcome }, attempt });
  }

  /** Hands what was noted to the store at once, so that it shares the commit of this turn. */
  flush(): void {
    if (this.#due.length === 0 || this.#isStopped) return;
    const batch = this.#due;
    this.#due = [];
    for (const due of batch) this.#unconfirmed.set(due.settlement.id, due);
    this.#write(batch, LOCK_RETRY_MS);
  }

  /** Leases of ended attempts whose outcome is not stored yet. */
  get unconfirmed(): Iterable<Attempt> {
    return [...this.#unconfirmed.values()].map(({ attempt }) => attempt);
  }

  get unconfirmedCount(): number {
    return this.#unconfirmed.size + this.#due.length;
  }

  /** Waits until everything noted is stored, or `signal` aborts. */
  async stop(signal: AbortSignal): Promise<void> {
    this.flush();
    while (this.#writes.size > 0 && !signal.aborted) {
      await Promise.race([...this.#writes, aborted(signal)]);
    }
    this.#isStopped = true;
    for (const end of this.#pauses) end();
  }

  #write(batch: readonly Due[], retryMs: number): void {
    const write = this.#settle(batch, retryMs).finally(() => this.#writes.delete(write));
    this.#writes.add(write);
  }

  async #settle(batch: readonly Due[], retryMs: number): Promise<void> {
    const settlements = batch.map(({ settlement }) => settlement);
    let lost: readonly Lease[];
    try {
      lost = await this.#store.settle(settlements, this.#clock.now() + LEASE_MS);
    } catch (error) {
      this.#onError(this.name, error);
      await this.#pause(retryMs);
      if (!this.#isStopped) await this.#settle(batch, Math.min(RETRY_MS_MAX, retryMs * 2));
      return;
    }
    let retryAt = Number.POSITIVE_INFINITY;
    let hasLost = false;
    for (const { id, outcome } of settlements) {
      this.#unconfirmed.delete(id);
      if (outcome.event === "failForRetry") retryAt = Math.min(retryAt, outcome.runAt);
      else if (outcome.event === "loseLease") hasLost = true;
    }
    const lostIds = new Set(lost.map(({ id }) => id));
    this.#onSettled(settlements.filter(({ id }) => !lostIds.has(id)).map(({ id }) => id));
    if (retryAt !== Number.POSITIVE_INFINITY) this.#onRetry(retryAt);
    if (hasLost) this.#onLost();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#pauses.delete(end);
        resolve();
      };
      const timer = this.#timers.after(ms, end, { keepsAlive: true });
      this.#pauses.add(end);
    });
  }
}
