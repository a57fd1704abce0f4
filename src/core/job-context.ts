import type { EpochMs } from "./clock.ts";
import type { TraceContext } from "./trace-context.ts";

/** What a handler gets beside its input. */
export interface JobContext {
  /**
   * The id that unjam gave the job, `j_…`, also where the caller gave one of its own: log lines and
   * events have this one. `app.job()` finds the job by either; a handle and `status().id` show the
   * caller's own.
   */
  readonly jobId: string;
  /** 1 for the first try. Attempts whose owner died are not counted: they are `losses`. */
  readonly attempt: number;
  /** Rises with every attempt of the job: pass it to what you write to, and refuse lower ones there. */
  readonly token: number;
  /** Aborts at the deadline, on cancel, on shutdown and when the lease is lost; the reason says which. */
  readonly signal: AbortSignal;
  /** When `timeoutMs` is over, by the wall clock. */
  readonly deadlineAt: EpochMs;
  /** What the job was enqueued with as `trace`. Pass it on with what the handler enqueues. */
  readonly trace: TraceContext | undefined;
  /**
   * Reports how far the job is, 0 to 1, with a note of at most 500 characters. Written to the
   * store at most every 200 ms; the latest wins.
   * @throws UNJAM_LEASE_LOST when this attempt no longer counts, UNJAM_INVALID_OPTION
   */
  progress(fraction: number, note?: string): void;
  /**
   * Writes a line to the app's logger, with the job's id and task. Messages are cut at 8,192
   * characters; beyond 1,000 lines of one attempt the rest is dropped, and one warning says so.
   *
   * @throws UNJAM_LEASE_LOST
   */
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Names what the handler does now; shown by status() and in reports. @throws UNJAM_LEASE_LOST */
  step(name: string): void;
  /**
   * Enqueues another job, like `app.enqueue`, from wherever the handler runs; resolves once it is
   * stored. A retry of this attempt enqueues again unless you pass an `id`.
   */
  enqueue(
    task: { readonly name: string },
    input: unknown,
    options?: Readonly<Record<string, unknown>>,
  ): Promise<ChildJob>;
}

/** A job that a handler enqueued. */
export interface ChildJob {
  readonly id: string;
  /**
   * Waits until the job is settled and answers what its handler returned, like `job.result()`.
   * Meanwhile the slot of the handler that waits is lent to the job it waits for, so that parents
   * never keep their children from running; at most as many threads lend theirs as there are.
   * `waitMs` 0 to 2^31-1, default 30_000. The deadline of the attempt goes on.
   * @throws what `job.result()` throws, UNJAM_DEADLOCK when the job waits for this one itself,
   *   UNJAM_TOO_MANY_WAITERS when as many wait as may
   */
  result(options?: { readonly waitMs?: number; readonly signal?: AbortSignal }): Promise<unknown>;
}

export type LogLevel = "debug" | "info" | "warn" | "error";
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** A pino-shaped logger: fields first, then the message. */
export interface Logger {
  debug?(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A line on its way from a handler to the logger. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}
