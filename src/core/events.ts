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
    /** `null`: it is not known which of several candidates it was. */
    readonly task: string | null;
    readonly jobId: string | null;
    readonly blockedMs: number;
    /** Where it stood, when it could be asked while it was blocked or right after. */
    readonly stack: string | null;
    /**
     * Empty when it is known. Else the handlers that were under way: it was one of these, or other
     * code of the process. At most ten.
     */
    readonly candidates: readonly { readonly task: string; readonly jobId: string }[];
  };
  /** An attempt was not over at its deadline. */
  readonly timeout: { readonly task: string; readonly jobId: string; readonly timeoutMs: number };
  /**
   * A job thread or runtime thread died or was killed, and another took its place. `restarts`: the
   * deaths that count against its budget; those under jobs, and those under none, are counted apart.
   * One that its job has paid for, at its deadline or as a suspect, is told with those under jobs.
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
