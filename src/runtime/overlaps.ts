import type { Clock, EpochMs, Random } from "../core/clock.ts";
import type { JobNumber } from "../core/job.ts";
import { outcomeOf } from "../core/outcome.ts";
import type { Attempt } from "./executor.ts";

/**
 * Loop attempts that timed out while their bodies run on. Their retries wait for the bodies, up to
 * OVERLAP_MS_MAX; once a body has ended, its retry waits only for what the task's backoff asks.
 * As many are noted here as bodies run on.
 */
export class Overlaps {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #retryAt = new Map<JobNumber, EpochMs>();

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The attempt was not over at its deadline, and its body goes on. */
  note({ job, facts }: Attempt): void {
    const chance = { wallNow: this.#clock.wallNow(), random: this.#random };
    const ended = { kind: "timedOut", error: "", bodyRunsOn: false } as const;
    const { attempt, losses } = job;
    const outcome = outcomeOf(ended, { facts, attempt, losses }, chance);
    if (outcome.event === "failForRetry") this.#retryAt.set(job.id, outcome.runAt);
  }

  /** The body has ended: when its retry may start. */
  bodyEnded(id: JobNumber): EpochMs {
    const retryAt = this.#retryAt.get(id) ?? 0;
    this.#retryAt.delete(id);
    return Math.max(retryAt, this.#clock.wallNow());
  }
}
