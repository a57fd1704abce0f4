import type { EpochMs } from "../core/clock.ts";

/** Instants to come, each once; the next one is asked for far more often than one is added. */
export class Instants {
  readonly #known = new Set<EpochMs>();
  /** The latest first, so that what is over is taken off the end. */
  #sorted: EpochMs[] = [];
  #isSorted = true;

  add(at: EpochMs): void {
    if (this.#known.has(at)) return;
    this.#known.add(at);
    this.#isSorted = false;
  }

  /** The first one after `now`; those before it are forgotten. */
  next(now: EpochMs): EpochMs | null {
    if (!this.#isSorted) this.#sorted = [...this.#known].toSorted((a, b) => b - a);
    this.#isSorted = true;
    for (let first = this.#sorted.at(-1); first !== undefined; first = this.#sorted.at(-1)) {
      if (first > now) return first;
      this.#known.delete(first);
      this.#sorted.pop();
    }
    return null;
  }
}
