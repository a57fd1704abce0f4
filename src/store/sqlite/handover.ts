import type { ClaimedJob } from "../../core/job.ts";
import type { ClaimRequest, ClaimSlot } from "../store.ts";

/** What one slot of an announced claim can still take, and what was handed to it. */
export interface Offer {
  readonly slot: ClaimSlot;
  readonly owner: number;
  readonly jobs: ClaimedJob[];
}

/**
 * Jobs that are added and claimed in one transaction are stored leased at once: one insert
 * instead of an insert and an update, which is a third of all the work of a busy queue. Claims
 * announce themselves before the adds of their group run, and collect what was handed over after.
 */
export class Handover {
  readonly #offers: Offer[] = [];

  /** One offer per slot, in their order. */
  announce({ slots, owner }: ClaimRequest): readonly Offer[] {
    const offers = slots.map((slot): Offer => ({ slot, owner, jobs: [] }));
    this.#offers.push(...offers);
    return offers;
  }

  /** The first claim that has room for a new job of this task. */
  offerFor(queue: string, task: string): Offer | undefined {
    return this.#offers.find(
      ({ slot, jobs }) =>
        jobs.length < slot.limit &&
        slot.queue === queue &&
        slot.tasks.includes(task) &&
        slot.suspects !== "only" &&
        slot.ids === undefined,
    );
  }
}
