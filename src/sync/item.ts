import type { Moment } from "./moments.ts";

/**
 * Where an item is: with its caller, who waits for room; in the queue; with a holder; or gone.
 *
 *     outside ──admit──► queued ──take──► held ──settle──► over
 *        └───refuse──► over ◄──drop──┘ ▲──put back──┘
 */
export type ItemPhase = "outside" | "queued" | "held" | "over";

/**
 * One value on its way through a queue. Few fields, because a million of them may wait; what only
 * some need (who holds it, where it was taken) stands with those who need it.
 */
export class Item<T> {
  readonly value: T;
  phase: ItemPhase;
  /**
   * Tells the caller of an `ask` what came of it; `undefined` when nobody waits. To fail it gets a
   * rejected promise: one function less a caller is 64 bytes less.
   */
  answer: ((result: unknown) => void) | undefined;
  /** When the caller's wait began, of an ask that went the fast way. */
  readonly moment: Moment | undefined;

  constructor(value: T, phase: ItemPhase, moment: Moment | undefined) {
    this.value = value;
    this.phase = phase;
    this.answer = undefined;
    this.moment = moment;
  }
}
