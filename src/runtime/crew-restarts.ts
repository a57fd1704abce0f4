/**
 * How often the members of a lane are replaced when they die by themselves, and when that is too
 * often: the lane is broken then, and its jobs stay where they are, instead of being lost one by
 * one to a lane that kills whatever it runs.
 *
 * A death under a job is the job's own matter as long as the lane brings others to their end, so
 * each job that comes through clears those. Nor is it news when a job ends its thread for a second
 * time: it runs alone from then on. Deaths under no job are explained by nothing, and all count.
 */
import type { Clock } from "../core/clock.ts";
import type { ClaimedJob } from "../core/job.ts";
import { RestartBudget } from "../core/restart-budget.ts";
import type { CrewLane } from "../core/task.ts";
import { MADE_OF } from "./crew-member.ts";
import type { FromSupervisor } from "./messages.ts";

export class CrewRestarts {
  readonly #lane: CrewLane;
  readonly #clock: Clock;
  readonly #send: (message: FromSupervisor) => void;
  readonly #underNone = new RestartBudget();
  readonly #underJobs = new RestartBudget();
  #isBroken = false;

  constructor(options: {
    readonly lane: CrewLane;
    readonly clock: Clock;
    readonly send: (message: FromSupervisor) => void;
  }) {
    this.#lane = options.lane;
    this.#clock = options.clock;
    this.#send = options.send;
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  /**
   * A member died by itself, under this job or under none. Answers how long its successor has to
   * wait, or `null` when there is to be none.
   */
  died(reason: string, job: ClaimedJob | undefined): number | null {
    if (this.#isBroken) return null;
    const budget = job === undefined ? this.#underNone : this.#underJobs;
    const isNews = job === undefined || job.losses === 0;
    if (isNews && !budget.take(this.#clock.now())) {
      this.#isBroken = true;
      const data = { part: MADE_OF[this.#lane].part, reason, restarts: budget.count };
      this.#send({ type: "broken", lane: this.#lane, data });
      return null;
    }
    this.#sayReplaced(reason, budget);
    return budget.backOffMs();
  }

  /** A member was ended on purpose, or died of what its job has paid for: that is not counted. */
  replaced(reason: string): void {
    this.#sayReplaced(reason, this.#underNone);
  }

  /** An attempt came to its end, whatever that was: the lane can run jobs. */
  cameThrough(): void {
    this.#underJobs.clear();
  }

  #sayReplaced(reason: string, { count: restarts }: RestartBudget): void {
    const data = { part: MADE_OF[this.#lane].part, reason, restarts };
    this.#send({ type: "event", event: { name: "replaced", data } });
  }
}
