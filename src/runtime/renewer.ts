import type { Clock, Timers } from "../core/clock.ts";
import type { JobNumber, Lease } from "../core/job.ts";
import { leaseEnd } from "../core/lease.ts";
import { LANE_WAIT_MS_MAX, LEASE_RENEW_MS, PROGRESS_FLUSH_MS } from "../core/limits.ts";
import type { Renewal, Store } from "../store/store.ts";
import type { Attempt, Executor } from "./executor.ts";
import type { ProgressMessage } from "./messages.ts";
import { Repeater } from "./repeater.ts";
import type { Settler } from "./settler.ts";

/** Renewals per store call; more would hold the commit of everybody else. */
const RENEWALS_MAX = 500;

/**
 * Keeps the leases of all attempts alive from the store thread, so that a blocked main loop or a
 * busy job thread loses none, and writes the progress that handlers report. A lease that turns
 * out to be lost aborts its attempt.
 */
export class Renewer {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #executor: Executor;
  readonly #settler: Settler;
  readonly #progress = new Map<JobNumber, ProgressMessage>();
  #renewedAt = 0;
  /** Nothing is held: the next step comes with the next renewal, or when progress is reported. */
  #isResting = false;
  readonly repeater: Repeater;

  constructor(options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly executor: Executor;
    readonly settler: Settler;
    readonly onError: (name: string, error: unknown) => void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#executor = options.executor;
    this.#settler = options.settler;
    this.#renewedAt = options.clock.now();
    const { timers, onError } = options;
    const step = (): Promise<number> => this.#step();
    this.repeater = new Repeater({
      name: "renewer",
      step,
      timers,
      onError,
      retryMs: PROGRESS_FLUSH_MS,
    });
  }

  /** Notes progress; the latest of a job replaces what was not written yet. */
  note(progress: readonly ProgressMessage[]): void {
    for (const message of progress) {
      const older = this.#progress.get(message.id);
      const isSame = older?.token === message.token;
      this.#progress.set(message.id, {
        ...message,
        progress: message.progress ?? (isSame ? older.progress : null),
        note: message.note ?? (isSame ? older.note : null),
      });
    }
    if (this.#isResting && this.#progress.size > 0) this.repeater.now();
  }

  async #step(): Promise<number> {
    this.#isResting = false;
    const now = this.#clock.now();
    const isRenewing = now - this.#renewedAt >= LEASE_RENEW_MS;
    const renewals = isRenewing ? this.#all() : this.#reported();
    const reported = [...this.#progress.values()];
    this.#progress.clear();
    try {
      await this.#write(renewals);
    } catch (error) {
      // What was reported meanwhile is newer.
      const newer = [...this.#progress.values()];
      this.note(reported);
      this.note(newer);
      throw error;
    }
    // Not before it is written: a renewal that failed is tried again at once.
    if (isRenewing) this.#renewedAt = now;
    const heldCount = this.#executor.attemptCount + this.#settler.unconfirmedCount;
    this.#isResting = heldCount + this.#progress.size === 0;
    // What is claimed meanwhile has been leased for less than this when the step comes.
    return this.#isResting ? LEASE_RENEW_MS : PROGRESS_FLUSH_MS;
  }

  async #write(renewals: readonly Renewal[]): Promise<void> {
    // One that waited longer behind a lock would bring leases that have nearly run out.
    const deadline = this.#clock.now() + LEASE_RENEW_MS;
    for (let start = 0; start < renewals.length; start += RENEWALS_MAX) {
      const part = renewals.slice(start, start + RENEWALS_MAX);
      const lost = await this.#store.renew(part, deadline);
      // What was settled while this renewal was under way is not lost, it is over.
      this.#executor.abort(lost, "lost");
    }
  }

  #all(): Renewal[] {
    const attempts = [...this.#executor.attempts, ...this.#settler.unconfirmed];
    return attempts.map((attempt) => this.#renewal(attempt));
  }

  #reported(): Renewal[] {
    return [...this.#progress.keys()].flatMap((id) => {
      const attempt = this.#executor.find(id);
      return attempt === undefined ? [] : [this.#renewal(attempt)];
    });
  }

  /**
   * The lease ends at last with the attempt's time, counted from when its lane got it, and allowing
   * for a wait there: a body that nothing can end must not keep its job for ever.
   */
  #renewal({ job, facts, since }: Attempt): Renewal {
    const reported = this.#progress.get(job.id);
    const isCurrent = reported?.token === job.token;
    const lease: Lease = { id: job.id, token: job.token };
    return {
      ...lease,
      leaseUntil: leaseEnd(this.#clock.now(), since + LANE_WAIT_MS_MAX + facts.timeoutMs),
      progress: isCurrent ? reported.progress : null,
      note: isCurrent ? reported.note : null,
    };
  }
}
