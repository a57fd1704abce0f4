import type { Clock } from "./clock.ts";
import { UnjamError } from "./errors.ts";
import type { JobNumber, JobShape } from "./job.ts";
import { formatJobId, parseJobId } from "./job-id.ts";
import { EPOCH_MS_MAX, WAIT_MS_DEFAULT, WAITERS_MAX_DEFAULT } from "./limits.ts";
import { ENQUEUE_OPTIONS } from "./option-tables.ts";
import { invalid, readOptions, readSignal } from "./options.ts";
import { type Overflow, type OverflowOption, readOverflow } from "./overflow.ts";
import type { TaskFacts } from "./task.ts";
import { extraOf, readTrace, type TraceContext } from "./trace-context.ts";

/** How one job is enqueued. Durations are milliseconds; docs/reference/options.md has the bounds. */
export interface EnqueueOptions {
  /**
   * Makes a repeated enqueue harmless: the same id, task and input add nothing. The handle and
   * `status()` go by it; the handler's `ctx.jobId`, log lines and events by the job's `j_…` id.
   */
  readonly id?: string;
  readonly delayMs?: number;
  readonly runAt?: Date | number;
  /** 0 (first) to 9. Default 0. */
  readonly priority?: number;
  /** At most one unfinished job with it per task; the existing one is returned. */
  readonly key?: string;
  /** How long to wait for room and for the store. Default 30_000. */
  readonly waitMs?: number;
  /**
   * What to do while the queue is full. Default "wait". With "drop-newest" this job is stored as
   * dropped, with "drop-oldest" the one that came first and still waits is; either way the
   * enqueue resolves, and the dropped job's `result()` rejects with UNJAM_JOB_DROPPED.
   */
  readonly whenFull?: OverflowOption;
  /** Give up unless it has started by then. */
  readonly expireMs?: number;
  /** The trace that the job belongs to; its handler gets it as `ctx.trace`. `{}` is none. */
  readonly trace?: Partial<TraceContext> | undefined;
  readonly signal?: AbortSignal;
  /** Not on SQLite or memory. */
  readonly tx?: unknown;
}

/** How jobs are enqueued; calls with the same order object share a group. */
export interface AddOrder {
  readonly shape: JobShape;
  readonly capacity: number | null;
  readonly whenFull: Overflow;
  readonly waitersMax: number;
  readonly waitMs: number;
  readonly atomic: boolean;
}

/** Bounds of one queue, from `open({ queues })`. */
export interface QueueBounds {
  readonly capacity: number;
  readonly waitersMax: number;
}

/** An enqueue, read and checked. `ownId` is set when the caller gives an id of our form. */
export interface ReadOrder {
  readonly order: AddOrder;
  readonly ownId: JobNumber | null;
  readonly signal: AbortSignal | undefined;
}

/** The order of an enqueue without options: one object per task, so that such jobs share groups. */
export function plainOrder({ name, queue }: TaskFacts, bounds: QueueBounds | undefined): AddOrder {
  return {
    shape: {
      queue,
      task: name,
      priority: 0,
      runAt: null,
      expireAt: null,
      key: null,
      callerId: null,
      extra: null,
    },
    capacity: bounds?.capacity ?? null,
    whenFull: "wait",
    waitersMax: bounds?.waitersMax ?? WAITERS_MAX_DEFAULT,
    waitMs: WAIT_MS_DEFAULT,
    atomic: false,
  };
}

/** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_NOT_SUPPORTED */
export function readOrder(plain: AddOrder, options: unknown, clock: Clock): ReadOrder {
  const where = `enqueue(${plain.shape.task})`;
  const given = readOptions(ENQUEUE_OPTIONS, options, where);
  if (given.tx !== undefined) {
    throw new UnjamError("UNJAM_NOT_SUPPORTED", {
      what: "enqueue with tx",
      where: "an embedded store",
    });
  }
  const now = clock.wallNow();
  const ownId = given.id === undefined ? null : (parseJobId(given.id) ?? null);
  const shape: JobShape = {
    ...plain.shape,
    priority: given.priority,
    runAt: readRunAt(given.delayMs, given.runAt, { now, where }),
    expireAt: given.expireMs === undefined ? null : Math.round(now + given.expireMs),
    key: given.key ?? null,
    // An id of our form is kept beside its number: it tells a number that was drawn for the job
    // from one that its caller wrote, which may be drawn for another job one day.
    callerId: ownId === null ? (given.id ?? null) : formatJobId(ownId),
    extra: extraOf(readTrace(given.trace, where)) ?? plain.shape.extra,
  };
  const whenFull = readOverflow(given.whenFull, where) ?? "wait";
  const order = { ...plain, shape, whenFull, waitMs: given.waitMs };
  return { order, ownId, signal: readSignal(given.signal, where) };
}

function readRunAt(
  delayMs: number | undefined,
  runAt: unknown,
  { now, where }: { readonly now: number; readonly where: string },
): number | null {
  if (runAt === undefined) return delayMs === undefined ? null : Math.round(now + delayMs);
  if (delayMs !== undefined) throw invalid("runAt", where, "left out beside delayMs", runAt);
  const at = runAt instanceof Date ? runAt.getTime() : runAt;
  if (typeof at !== "number" || !(at >= 0 && at <= EPOCH_MS_MAX)) {
    throw invalid("runAt", where, "a Date or milliseconds since 1970", runAt);
  }
  return Math.round(at);
}
