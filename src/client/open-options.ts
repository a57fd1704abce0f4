import { UnjamError } from "../core/errors.ts";
import type { QueueBounds } from "../core/enqueue-order.ts";
import type { Logger } from "../core/job-context.ts";
import { WAITERS_MAX_DEFAULT } from "../core/limits.ts";
import { readLogger } from "../core/logger.ts";
import { OPEN_OPTIONS, QUEUE_OPTIONS, WORK_OPTIONS } from "../core/option-tables.ts";
import { invalid, readOptions, readQueueName } from "../core/options.ts";
import type { TaskBody } from "../core/task.ts";

/** How an app is opened. docs/reference/options.md has every default, unit and bound. */
export interface OpenOptions {
  /** "memory:", or "sqlite:<path>". Default "sqlite:.unjam/jobs.db", whose folder is made if missing. */
  readonly store?: string;
  /**
   * What can run here: a module whose exported tasks are registered, such as
   * `new URL("./tasks.ts", import.meta.url)`, or an array of tasks for the main loop.
   */
  readonly tasks?: URL | string | readonly object[];
  /**
   * What this process runs. Default 50 loop slots, 2 threads and 1 child process, those started
   * when there is a job for them; `false` is a producer only.
   */
  readonly work?:
    | false
    | {
        readonly loop?: number;
        readonly threads?: number;
        readonly processes?: number;
        readonly queues?: readonly string[];
      };
  /** Bounds by queue name. Default capacity 100,000; there is no unbounded queue. */
  readonly queues?: Readonly<
    Record<string, { readonly capacity?: number; readonly waitersMax?: number }>
  >;
  /** Close on SIGTERM and SIGINT, then end the process. Default false. */
  readonly signals?: boolean;
  /** Pino-shaped: `info(fields, message)`. Default writes warnings and errors to stderr. */
  readonly logger?: Logger;
  /** "inline" runs everything in this thread, for tests: nothing can be killed, the disk blocks the loop. */
  readonly runtime?: "threads" | "inline";
}

/** `open()`'s options, checked, with every default filled in. */
export interface ReadOpen {
  readonly store: string;
  readonly tasks: unknown;
  readonly work: {
    readonly loop: number;
    readonly threads: number;
    readonly processes: number;
    readonly queues: readonly string[] | null;
  };
  readonly queues: ReadonlyMap<string, QueueBounds>;
  readonly signals: boolean;
  readonly logger: Logger | undefined;
  readonly runtime: "threads" | "inline";
}

/** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID */
export function readOpen(options: unknown): ReadOpen {
  const { store, tasks, work, queues, signals, logger, runtime } = readOptions(
    OPEN_OPTIONS,
    options,
    "open()",
  );
  return {
    ...{ store, tasks, signals, runtime },
    work: readWork(work),
    queues: readQueues(queues),
    logger: readLogger(logger, "open()"),
  };
}

function readWork(work: unknown): ReadOpen["work"] {
  if (work === false) return { loop: 0, threads: 0, processes: 0, queues: [] };
  const { loop, threads, processes, queues } = readOptions(WORK_OPTIONS, work, "open() work");
  if (queues === undefined) return { loop, threads, processes, queues: null };
  if (!Array.isArray(queues))
    throw invalid("queues", "open() work", "an array of queue names", queues);
  return {
    ...{ loop, threads, processes },
    queues: queues.map((name) => readQueueName(name, "queues", "open() work")),
  };
}

function readQueues(queues: unknown): ReadonlyMap<string, QueueBounds> {
  const bounds = new Map<string, QueueBounds>();
  if (queues === undefined) return bounds;
  if (typeof queues !== "object" || queues === null) {
    throw invalid("queues", "open()", "an object of queue options by name", queues);
  }
  for (const [name, given] of Object.entries(queues)) {
    const queue = readQueueName(name, "queues", "open()");
    const { capacity, waitersMax } = readOptions(
      QUEUE_OPTIONS,
      given,
      `open() queues[${JSON.stringify(name)}]`,
    );
    bounds.set(queue, {
      capacity,
      waitersMax: waitersMax ?? Math.min(capacity, WAITERS_MAX_DEFAULT),
    });
  }
  return bounds;
}

/**
 * Refuses, at open and not at the first job, a task that could never run here.
 * @throws UNJAM_TASK_NEEDS_MODULE
 */
export function refuseUnrunnable(
  bodies: ReadonlyMap<string, TaskBody>,
  { hasModule, isInline }: { readonly hasModule: boolean; readonly isInline: boolean },
): void {
  for (const { facts, handler } of bodies.values()) {
    if (handler === undefined || isInline) continue;
    if (facts.runs !== "loop" && !hasModule) {
      throw new UnjamError("UNJAM_TASK_NEEDS_MODULE", { task: facts.name, runs: facts.runs });
    }
  }
}
