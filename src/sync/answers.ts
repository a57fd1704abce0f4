import { UnjamError } from "../core/errors.ts";
import type { Holders } from "./holders.ts";
import type { Item } from "./item.ts";
import type { Moments } from "./moments.ts";
import type { QueueCore } from "./queue-core.ts";
import type { ItemEnds } from "./consumer.ts";

/** What comes of items, counted and told to those who asked for them. */
export class Answers<T> implements ItemEnds<T> {
  readonly #core: QueueCore<T>;
  readonly #moments: Moments;
  readonly #holders: Holders<T>;

  constructor(core: QueueCore<T>, moments: Moments, holders: Holders<T>) {
    this.#core = core;
    this.#moments = moments;
    this.#holders = holders;
  }

  done(item: Item<T>, result: unknown): void {
    this.#core.done(item);
    if (item.answer !== undefined) this.#answer(item, result);
  }

  failed(item: Item<T>, error: unknown): void {
    this.#core.failed(item, this.#holders.describe(item.value), error);
    this.refuse(item, error);
  }

  abandoned(refusal: UnjamError): void {
    for (const item of this.#core.queued()) {
      if (item.answer === undefined || item.phase !== "queued") continue;
      this.#core.drop(item);
      this.refuse(item, refusal);
    }
  }

  /** Takes out all that waits. */
  dropAll(reason: string): void {
    for (const item of this.#core.queued()) {
      // Whoever was told of the one before may have taken this one.
      if (item.phase !== "queued") continue;
      this.#core.drop(item);
      this.dropped(item, reason);
    }
  }

  /** Tells who asked for it that an item was taken out. */
  dropped(item: Item<T>, reason: string): void {
    if (item.answer === undefined) return;
    this.refuse(item, new UnjamError("UNJAM_ITEM_DROPPED", { queue: this.#core.name, reason }));
  }

  /** Rejects the ask for an item, if somebody still waits for it. */
  refuse(item: Item<T>, error: unknown): void {
    // The one who asked hears of it by adopting this promise.
    if (item.answer !== undefined) this.#answer(item, Promise.reject(error));
  }

  #answer(item: Item<T>, result: unknown): void {
    const { answer } = item;
    item.answer = undefined;
    if (item.moment !== undefined) this.#moments.answered(item.moment);
    answer?.(result);
  }
}
