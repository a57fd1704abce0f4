import type { MonotonicMs } from "./clock.ts";
import { RESTARTS_MAX, RESTARTS_PER_MS } from "./limits.ts";

/** How often something may fail in a while before it is given up: `max` times within `perMs`. */
export interface RestartBounds {
  /** How often is survived; one more is the end. 0 to 1,000,000, default 10. */
  readonly max: number;
  /** Length of the window, which ends now, in milliseconds. 1 to 86,400,000, default 60,000. */
  readonly perMs: number;
}

/**
 * Bounds how often a part may be replaced: `max` times within `perMs`, by default RESTARTS_MAX and
 * RESTARTS_PER_MS. Beyond it something kills the part each time, and replacing it again would only
 * hide that.
 */
export class RestartBudget {
  readonly #max: number;
  readonly #perMs: number;
  #restarts: MonotonicMs[] = [];

  constructor({ max = RESTARTS_MAX, perMs = RESTARTS_PER_MS }: Partial<RestartBounds> = {}) {
    this.#max = max;
    this.#perMs = perMs;
  }

  /** Notes one restart. False when the budget is used up. */
  take(now: MonotonicMs): boolean {
    this.#restarts = this.#restarts.filter((at) => at > now - this.#perMs);
    this.#restarts.push(now);
    return this.#restarts.length <= this.#max;
  }

  /** What killed the part each time is over. */
  clear(): void {
    this.#restarts = [];
  }

  /** Restarts within the current window. */
  get count(): number {
    return this.#restarts.length;
  }

  /** How long to wait before the next one: nothing for the first two, then doubling up to 5 s. */
  backOffMs(): number {
    return this.count <= 2 ? 0 : Math.min(5_000, 50 * 2 ** (this.count - 3));
  }
}
