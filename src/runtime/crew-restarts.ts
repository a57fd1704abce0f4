import type { Clock } from "../core/clock.ts";
import type { ClaimedJob } from "../core/job.ts";
import type { CrewLane } from "../core/task.ts";
import { type Death, Restarts } from "../threads/restarts.ts";
import { MADE_OF } from "./lane-parts.ts";
import type { FromSupervisor } from "./messages.ts";

type Broken = FromSupervisor & { readonly type: "broken" };

/**
 * Says how often the members of a lane are replaced, and when that is too often: the lane is broken
 * then, and its jobs stay where they are, instead of being lost one by one to a lane that kills
 * whatever it runs.
 */
export class CrewRestarts {
  readonly #lane: CrewLane;
  readonly #send: (message: FromSupervisor) => void;
  readonly #restarts: Restarts;
  #broken: Broken | undefined;

  constructor(options: {
    readonly lane: CrewLane;
    readonly clock: Clock;
    readonly send: (message: FromSupervisor) => void;
  }) {
    this.#lane = options.lane;
    this.#send = options.send;
    this.#restarts = new Restarts(options.clock);
  }

  /** What was said when the budget was used up, for an engine that takes over. */
  get broken(): Broken | undefined {
    return this.#broken;
  }

  /**
   * A member died by itself, under this job or under none. Answers how long its successor has to
   * wait, or `null` when there is to be none.
   */
  died(reason: string, job: ClaimedJob | undefined): number | null {
    if (this.#broken !== undefined) return null;
    const { isAllowed, count, backOffMs } = this.#restarts.died(this.#deathUnder(job));
    if (isAllowed) {
      this.#sayReplaced(reason, count);
      return backOffMs;
    }
    const data = { part: MADE_OF[this.#lane].part, reason, restarts: count };
    this.#broken = { type: "broken", lane: this.#lane, data };
    this.#send(this.#broken);
    return null;
  }

  /** A job that ends its thread for a second time has no third: it runs alone from then on. */
  #deathUnder(job: ClaimedJob | undefined): Death {
    if (job === undefined) return "under nothing";
    return MADE_OF[this.#lane].isUsedOnce || job.losses > 0 ? "paid" : "under work";
  }

  /** A member was ended on purpose, and its job has paid for that. */
  ended(reason: string): void {
    const { isAllowed, count } = this.#restarts.died("paid");
    if (isAllowed) this.#sayReplaced(reason, count);
  }

  /** An attempt came to its end, whatever that was: the lane can run jobs. */
  cameThrough(): void {
    this.#restarts.cameThrough();
  }

  #sayReplaced(reason: string, restarts: number): void {
    const data = { part: MADE_OF[this.#lane].part, reason, restarts };
    this.#send({ type: "event", event: { name: "replaced", data } });
  }
}
