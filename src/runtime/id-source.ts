import type { JobNumber } from "../core/job.ts";
import { ID_BLOCK_SIZE } from "../core/limits.ts";

/** The next block is asked for when this many ids are left of the current one. */
const LOW_WATER = ID_BLOCK_SIZE / 4;

/**
 * Job numbers, taken from blocks that the store reserves, so that a job has its id before it is
 * stored and a repeated enqueue can be recognised. What is left of a block at the end is never
 * used again: 2^53 numbers make eight billion blocks.
 */
export class IdSource {
  readonly #reserve: () => Promise<JobNumber>;
  #next = 0;
  #end = 0;
  #spare: JobNumber | undefined;
  #reserving: Promise<void> | undefined;

  /** @param reserve answers the first number of a block of ID_BLOCK_SIZE. */
  constructor(reserve: () => Promise<JobNumber>) {
    this.#reserve = reserve;
  }

  /** `count` numbers at once, or `undefined` when a block must be fetched first. */
  takeNow(count: number): JobNumber[] | undefined {
    if (this.#end - this.#next < count && this.#spare !== undefined) {
      this.#next = this.#spare;
      this.#end = this.#spare + ID_BLOCK_SIZE;
      this.#spare = undefined;
    }
    if (this.#end - this.#next < count) return undefined;
    const first = this.#next;
    this.#next += count;
    if (this.#end - this.#next < LOW_WATER && this.#spare === undefined) this.#fetchAhead();
    return count === 1 ? [first] : Array.from({ length: count }, (_, index) => first + index);
  }

  /** One number at once: the hot path of a single enqueue. 0 when a block must be fetched first. */
  takeOneNow(): JobNumber {
    if (this.#end - this.#next > LOW_WATER) return this.#next++;
    return this.takeNow(1)?.[0] ?? 0;
  }

  /** @throws what reserving throws */
  async take(count: number): Promise<JobNumber[]> {
    for (;;) {
      const ids = this.takeNow(count);
      if (ids !== undefined) return ids;
      await this.#fetch();
    }
  }

  /** Gets the first block. */
  async prepare(): Promise<void> {
    if (this.#spare === undefined && this.#next === this.#end) await this.#fetch();
  }

  #fetchAhead(): void {
    // A failure is not lost: the next take() that needs the block asks again and throws.
    this.#fetch().catch(() => undefined);
  }

  #fetch(): Promise<void> {
    this.#reserving ??= this.#reserve()
      .then((first) => {
        this.#spare = first;
      })
      .finally(() => {
        this.#reserving = undefined;
      });
    return this.#reserving;
  }
}
