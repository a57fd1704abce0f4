import type { MonotonicMs } from "../../core/clock.ts";

/** What a function of a pool's module gets beside its input. */
export interface CallContext {
  /** Aborts when the caller's signal does, at the call's deadline, and when the pool closes. */
  readonly signal: AbortSignal;
  /** How much of the call's time is left, in milliseconds; 0 when it is over. */
  readonly leftMs: number;
}

/** One call's context. The signal is made when it is asked for: most functions never look at it. */
export class LiveContext implements CallContext {
  readonly #deadlineAt: MonotonicMs;
  readonly #now: () => MonotonicMs;
  #controller: AbortController | undefined;

  constructor(deadlineAt: MonotonicMs, now: () => MonotonicMs) {
    this.#deadlineAt = deadlineAt;
    this.#now = now;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  get leftMs(): number {
    return Math.max(0, this.#deadlineAt - this.#now());
  }

  abort(reason: Error): void {
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
  }
}
