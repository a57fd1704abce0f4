/** Milliseconds since the Unix epoch, by the wall clock. May jump; for dates only. */
export type EpochMs = number;
/**
 * Milliseconds of the machine's monotonic clock. Never goes back, is shared by all threads and
 * processes of one boot, and means nothing on another machine. For leases and deadlines.
 */
export type MonotonicMs = number;

/** Time as an argument: the only way core and runtime learn what time it is. */
export interface Clock {
  /** For durations and deadlines. Never goes back. */
  now(): MonotonicMs;
  /** For dates. May jump. */
  wallNow(): EpochMs;
}

/** A pending call. Cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

/** What a pending call is, for whoever keeps the time. */
export interface TimerOptions {
  /** Whether it may hold the process open. Who leaves it out leaves that to the timers. */
  readonly keepsAlive?: boolean;
  /** One round of a regular duty: a clock that is moved by hand may leave out rounds. */
  readonly repeats?: boolean;
}

/** Timers as an argument. */
export interface Timers {
  /** Calls `run` once, not before `delayMs` milliseconds have passed, and never within this call. */
  after(delayMs: number, run: () => void, options?: TimerOptions): Timer;
  /** Runs after the current turn, once what has already arrived was handled. Cannot be cancelled. */
  soon(run: () => void): void;
}

/** Chance as an argument: uniform in [0, 1). */
export type Random = () => number;
