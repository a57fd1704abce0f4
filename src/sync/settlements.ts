import type { UnjamError } from "../core/errors.ts";
import { JOIN_ERRORS_MAX } from "../core/limits.ts";
import { Line } from "./line.ts";
import type { SlowWait } from "./slow-wait.ts";

/** What a join came to: counts since the queue was made, or since the last join that came to its end. */
export interface JoinResult {
  readonly done: number;
  readonly failed: number;
  /** The first ten of the failed, in the order in which they failed. The others are only counted. */
  readonly errors: readonly JoinError[];
}

/** An item that failed. */
export interface JoinError {
  /** The value in a few words: what `describe` of the queue says, at most 80 characters of it. */
  readonly value: string;
  /** What the handler threw, what the holder gave to `fail`, or why nobody could settle it any more. */
  readonly error: unknown;
}

/**
 * How much of a queue is unfinished, and who waits for the end of it. Each item that was let in is
 * unfinished until it is settled, whoever holds it: that is no user's call to forget.
 */
export class Settlements {
  readonly #joins = new Line<SlowWait<JoinResult>>((join) => join.isWaiting);
  /** The core counts up what it lets in: a field, because a call may meet the end of the stack. */
  unfinishedCount = 0;
  #doneCount = 0;
  #failedCount = 0;
  #errors: JoinError[] = [];

  done(): void {
    this.#doneCount++;
    if (--this.unfinishedCount === 0) this.#tell();
  }

  failed(error: JoinError): void {
    this.#failedCount++;
    if (this.#errors.length < JOIN_ERRORS_MAX) this.#errors.push(error);
    if (--this.unfinishedCount === 0) this.#tell();
  }

  /** Dropped while it waited: neither done nor failed. */
  dropped(): void {
    if (--this.unfinishedCount === 0) this.#tell();
  }

  /** Waits until nothing is unfinished. */
  join(wait: SlowWait<JoinResult>): void {
    this.#joins.push(wait);
    if (this.unfinishedCount === 0) this.#tell();
  }

  /** Nobody is left who could finish what is unfinished. */
  refuseJoins(error: UnjamError): void {
    for (const join of this.#joins.all()) join.refuse(error);
  }

  #tell(): void {
    const joins = this.#joins.all();
    if (joins.length === 0) return;
    const result = { done: this.#doneCount, failed: this.#failedCount, errors: this.#errors };
    this.#doneCount = 0;
    this.#failedCount = 0;
    this.#errors = [];
    for (const join of joins) join.answer(result);
  }
}
