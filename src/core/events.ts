/**
 * Everything an app tells those who listen: a closed list. Nothing is sent per job, because
 * nobody may be listening; what concerns one job is in its record.
 */
export interface AppEvents {
  /**
   * A queue refused or dropped a job, or let a caller wait. At most one a second per queue; `count`
   * since the last.
   */
  readonly full: {
    readonly queue: string;
    readonly capacity: number;
    readonly count: number;
    /** Jobs of the queue that this app's enqueues dropped since it was opened. */
    readonly droppedCount: number;
  };
  /** A loop handler held the main loop in one go. */
  readonly blocked: {
    readonly task: string;
    readonly jobId: string;
    readonly blockedMs: number;
    /** Where it stood, when it could be asked while it was blocked. */
    readonly stack: string | null;
  };
  /** An attempt was not over at its deadline. */
  readonly timeout: { readonly task: string; readonly jobId: string; readonly timeoutMs: number };
  /**
   * A job thread or runtime thread died or was killed, and another took its place. `restarts`: those
   * that count against its budget.
   */
  readonly replaced: { readonly part: string; readonly reason: string; readonly restarts: number };
  /** Beyond the restart budget: puts are refused until the process is restarted. */
  readonly broken: { readonly part: string; readonly reason: string; readonly restarts: number };
  /** The store failed or was locked for longer than a blink; it is being tried again. */
  readonly store: { readonly message: string };
}
export type AppEventName = keyof AppEvents;
export const APP_EVENT_NAMES: readonly AppEventName[] = [
  "full",
  "blocked",
  "timeout",
  "replaced",
  "broken",
  "store",
];

/** One event with its name, for the way between threads. */
export type AppEvent = {
  readonly [N in AppEventName]: { readonly name: N; readonly data: AppEvents[N] };
}[AppEventName];
