/**
 * How often what dies by itself is replaced, and when that is too often: then something kills it
 * each time, and replacing it once more would only hide that.
 *
 * A death under work is the work's own matter as long as other work comes through, so whatever does
 * clears those. Deaths under none are explained by nothing, and all count.
 */
import type { Clock } from "../core/clock.ts";
import { RestartBudget } from "../core/restart-budget.ts";

/** Whose death it was. `"paid"`: of work that has paid for it, and can do so no second time. */
export type Death = "under nothing" | "under work" | "paid";

export interface Restart {
  /** False from the death on that was one too many. */
  readonly isAllowed: boolean;
  /** How many there were lately of its kind. */
  readonly count: number;
  /** How long its successor has to wait. */
  readonly backOffMs: number;
}

export class Restarts {
  readonly #clock: Clock;
  readonly #underNothing = new RestartBudget();
  readonly #underWork = new RestartBudget();
  #isUsedUp = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  died(death: Death): Restart {
    const budget = death === "under nothing" ? this.#underNothing : this.#underWork;
    if (death !== "paid" && !budget.take(this.#clock.now())) this.#isUsedUp = true;
    return { isAllowed: !this.#isUsedUp, count: budget.count, backOffMs: budget.backOffMs() };
  }

  /** Some work came to its end, whatever that was. */
  cameThrough(): void {
    this.#underWork.clear();
  }
}
