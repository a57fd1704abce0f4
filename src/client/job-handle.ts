import { parseErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { EpochMs } from "../core/clock.ts";
import type { AddOrder } from "../core/enqueue-order.ts";
import type { JobNumber, JobRecord } from "../core/job.ts";
import { idOf, resultOf } from "../core/job-result.ts";
import type { JobState } from "../core/job-state.ts";
import { formatJobId } from "../core/job-id.ts";
import { RESULT_OPTIONS } from "../core/option-tables.ts";
import { readOptions, readSignal } from "../core/options.ts";

/** A bound for one wait. `waitMs` 0 to 2^31-1, default 30_000; `signal` ends the wait, not the work. */
export interface WaitOptions {
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/** What is known of a job: plain data, fit for an HTTP answer. */
export interface JobStatus {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly state: JobState;
  /** 0 to 1, as the handler last reported it. */
  readonly progress: number | null;
  readonly note: string | null;
  /** Attempts that have ended. */
  readonly attempt: number;
  /** Attempts whose process or thread died under them; they do not use up attempts. */
  readonly losses: number;
  readonly priority: number;
  readonly createdAt: EpochMs;
  readonly runAt: EpochMs | null;
  readonly settledAt: EpochMs | null;
  readonly result?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string };
}

/** How a handle reaches its app. */
export interface HandleLink {
  wait(
    id: string,
    options: { waitMs: number; signal: AbortSignal | undefined },
  ): Promise<JobRecord | undefined>;
  find(id: string): Promise<JobRecord | undefined>;
  cancel(id: string): Promise<boolean>;
}

/**
 * One stored job, by its id. Making one asks nothing; every method does. `Out` is what the handler
 * returned after a round trip through JSON.
 */
export class JobHandle<Out = unknown> {
  readonly id: string;
  readonly #link: HandleLink;

  /** Not for users: `app.job(id)` makes it. */
  constructor(id: string, link: HandleLink) {
    this.id = id;
    this.#link = link;
  }

  /**
   * Waits until the job is settled and answers what its handler returned.
   * @throws UNJAM_JOB_FAILED (the handler's error is the cause), UNJAM_JOB_CANCELLED,
   *   UNJAM_JOB_EXPIRED, UNJAM_JOB_DROPPED, UNJAM_RESULT_TOO_LARGE, UNJAM_RESULT_NOT_SERIALIZABLE,
   *   UNJAM_JOB_UNKNOWN, UNJAM_RESULT_GONE, and UNJAM_WAIT_TIMEOUT after `waitMs`: the job goes on.
   */
  async result(options?: WaitOptions): Promise<Out> {
    const { waitMs, signal } = readWait(options, "job.result()");
    const record = await this.#link.wait(this.id, { waitMs, signal });
    if (record === undefined) throw new UnjamError("UNJAM_RESULT_GONE", { id: this.id });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the result of this task's handler, as its types say.
    return resultOf(record) as Out;
  }

  /** @throws UNJAM_JOB_UNKNOWN when it was never stored or its row was pruned */
  async status(): Promise<JobStatus> {
    const record = await this.#link.find(this.id);
    if (record === undefined) throw new UnjamError("UNJAM_JOB_UNKNOWN", { id: this.id });
    return statusOf(record);
  }

  /**
   * Cancels it unless it is settled already; answers whether it did. A running handler is told by
   * its signal; a thread that ignores it is killed after its grace.
   */
  cancel(): Promise<boolean> {
    return this.#link.cancel(this.id);
  }
}

/** The handle that an enqueue answers: by the caller's own id where that names the job. */
export function handleOf(
  link: HandleLink,
): (stored: JobNumber, id: JobNumber, order: AddOrder) => JobHandle {
  return (stored, id, { shape }) => {
    // The job that has the key already may not be the one with the caller's id.
    const isOther = stored !== id && shape.key !== null;
    const known = isOther ? null : shape.callerId;
    return new JobHandle(known ?? formatJobId(stored), link);
  };
}

export function readWait(
  options: unknown,
  where: string,
): { readonly waitMs: number; readonly signal: AbortSignal | undefined } {
  const { waitMs, signal } = readOptions(RESULT_OPTIONS, options, where);
  return { waitMs, signal: readSignal(signal, where) };
}

export function statusOf(record: JobRecord): JobStatus {
  const { task, queue, state, progress, note, attempt, losses, priority } = record;
  const { createdAt, runAt, settledAt, result, error } = record;
  return {
    id: idOf(record),
    ...{ task, queue, state, progress, note, attempt, losses, priority },
    ...{ createdAt, runAt, settledAt },
    ...(state === "done" && result !== null ? { result: parse(result) } : {}),
    ...(error === null ? {} : { error: shortError(error) }),
  };
}

function shortError(text: string): { name: string; message: string; code?: string } {
  const { name, message, code } = parseErrorRecord(text);
  return code === undefined ? { name, message } : { name, message, code };
}

function parse(text: string): unknown {
  return JSON.parse(text);
}
