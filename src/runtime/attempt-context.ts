import type { EpochMs } from "../core/clock.ts";
import { UnjamError } from "../core/errors.ts";
import type { JobNumber, Lease } from "../core/job.ts";
import {
  type ChildJob,
  type JobContext,
  LOG_LEVELS,
  type LogLevel,
  type LogLine,
} from "../core/job-context.ts";
import { formatJobId } from "../core/job-id.ts";
import { LOG_LINES_MAX, LOG_MESSAGE_CHARS_MAX, NOTE_CHARS_MAX } from "../core/limits.ts";
import { RESULT_OPTIONS } from "../core/option-tables.ts";
import { invalid, readOptions, readSignal } from "../core/options.ts";
import { type TraceContext, traceOf } from "../core/trace-context.ts";

/** Where a context's calls go: the loop runner's outbox, or a job thread's port. */
export interface AttemptLink {
  progress(
    id: JobNumber,
    token: number,
    report: { progress: number | null; note: string | null },
  ): void;
  log(line: LogLine): void;
  enqueue(
    task: { readonly name: string },
    input: unknown,
    options: Readonly<Record<string, unknown>> | undefined,
  ): Promise<{ readonly id: string }>;
  /** Waits for another job on behalf of the attempt with this lease. */
  result(
    lease: Lease,
    job: string,
    options: { readonly waitMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<unknown>;
}

/**
 * The context of one attempt, on whichever thread its handler runs. It stops working when the
 * attempt no longer counts, so that a body that was given up cannot report for its successor.
 */
export class AttemptContext implements JobContext {
  readonly attempt: number;
  readonly token: number;
  readonly deadlineAt: EpochMs;
  readonly #id: JobNumber;
  readonly #task: string;
  readonly #extra: string | null;
  readonly #link: AttemptLink;
  #abort: AbortController | undefined;
  #lineCount = 0;
  #revoked: Error | undefined;

  constructor(
    facts: {
      readonly id: JobNumber;
      readonly token: number;
      readonly attempt: number;
      readonly task: string;
      readonly deadlineAt: EpochMs;
      readonly extra: string | null;
    },
    link: AttemptLink,
  ) {
    this.#id = facts.id;
    this.#task = facts.task;
    this.#extra = facts.extra;
    this.#link = link;
    this.token = facts.token;
    this.attempt = facts.attempt;
    this.deadlineAt = facts.deadlineAt;
  }

  get jobId(): string {
    return formatJobId(this.#id);
  }

  /** Read when asked for: most jobs have none. */
  get trace(): TraceContext | undefined {
    return traceOf(this.#extra);
  }

  /** Made when first asked for: most handlers never look at it. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#revoked !== undefined) this.#abort.abort(this.#revoked);
    }
    return this.#abort.signal;
  }

  progress(fraction: number, note?: string): void {
    this.#check();
    if (typeof fraction !== "number" || !(fraction >= 0 && fraction <= 1)) {
      throw invalid("fraction", "ctx.progress()", "a share from 0 to 1", fraction);
    }
    const short = note === undefined ? null : String(note).slice(0, NOTE_CHARS_MAX);
    this.#link.progress(this.#id, this.token, { progress: fraction, note: short });
  }

  log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#check();
    if (!LOG_LEVELS.includes(level)) {
      throw invalid("level", "ctx.log()", LOG_LEVELS.join(", "), level);
    }
    this.#lineCount++;
    const about = { jobId: this.jobId, task: this.#task, attempt: this.attempt };
    if (this.#lineCount <= LOG_LINES_MAX) {
      const short = String(message).slice(0, LOG_MESSAGE_CHARS_MAX);
      this.#link.log({ level, message: short, fields: { ...fields, ...about } });
    } else if (this.#lineCount === LOG_LINES_MAX + 1) {
      const last = `this attempt has logged ${LOG_LINES_MAX} lines: what it logs from here on is dropped`;
      this.#link.log({ level: "warn", message: last, fields: about });
    }
  }

  step(name: string): void {
    this.#check();
    const note = String(name).slice(0, NOTE_CHARS_MAX);
    this.#link.progress(this.#id, this.token, { progress: null, note });
  }

  async enqueue(
    task: { readonly name: string },
    input: unknown,
    options?: Readonly<Record<string, unknown>>,
  ): Promise<ChildJob> {
    this.#check();
    const { id } = await this.#link.enqueue(task, input, options);
    return { id, result: (given) => this.#resultOf(id, given) };
  }

  async #resultOf(job: string, given: unknown): Promise<unknown> {
    this.#check();
    const where = "job.result()";
    const { waitMs, signal } = readOptions(RESULT_OPTIONS, given, where);
    const lease = { id: this.#id, token: this.token };
    return this.#link.result(lease, job, { waitMs, signal: readSignal(signal, where) });
  }

  /** From now on every call rejects, and the signal is aborted with `reason`. */
  revoke(reason: Error): void {
    if (this.#revoked !== undefined) return;
    this.#revoked = reason;
    this.#abort?.abort(reason);
  }

  #check(): void {
    if (this.#revoked === undefined) return;
    const details = { id: this.jobId, reason: this.#revoked.message };
    throw new UnjamError("UNJAM_LEASE_LOST", details, { cause: this.#revoked });
  }
}
