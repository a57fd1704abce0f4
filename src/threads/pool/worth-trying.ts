/** Occasions that pass between two tries, at most. */
const PAUSE_MAX = 256;

/**
 * Whether to look for what one waits for before one sleeps. It saves a wake-up when another core is
 * at work on it, and costs time when there is none: on one core whoever looks keeps the other from
 * running. Each try in vain doubles the occasions that pass before the next.
 */
export class WorthTrying {
  #pause = 1;
  #left = 0;

  isWorthIt(): boolean {
    if (this.#left === 0) return true;
    this.#left--;
    return false;
  }

  succeeded(): void {
    this.#pause = 1;
  }

  failed(): void {
    this.#pause = Math.min(PAUSE_MAX, 2 * this.#pause);
    this.#left = this.#pause;
  }
}
