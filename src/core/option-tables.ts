import {
  ATTEMPTS_DEFAULT,
  ATTEMPTS_MAX,
  BACKOFF_FACTOR_DEFAULT,
  BACKOFF_FIRST_MS_DEFAULT,
  BACKOFF_JITTER_DEFAULT,
  BACKOFF_MS_MAX_DEFAULT,
  CLOSE_GRACE_MS_DEFAULT,
  DELAY_MS_MAX,
  ID_CHARS_MAX,
  JOIN_MS_DEFAULT,
  KEEP_DEAD_MS_DEFAULT,
  KEEP_DONE_MS_DEFAULT,
  KEEP_MS_MAX,
  KEY_CHARS_MAX,
  LIST_LIMIT_DEFAULT,
  LIST_LIMIT_MAX,
  LOCK_NAME_CHARS_MAX,
  LOOP_SLOTS_DEFAULT,
  LOOP_SLOTS_MAX,
  PROCESSES_DEFAULT,
  QUEUE_CAPACITY_DEFAULT,
  QUEUE_CAPACITY_MAX,
  RETRY_AFTER_MS_DEFAULT,
  THREADS_DEFAULT,
  THREADS_MAX,
  TIMEOUT_MS_DEFAULT,
  TIMEOUT_MS_MAX,
  TIMER_MS_MAX,
  TRACEPARENT_CHARS_MAX,
  TRACESTATE_CHARS_MAX,
  WAITERS_MAX_DEFAULT,
  WAIT_MS_DEFAULT,
} from "./limits.ts";
import type { Backoff } from "./backoff.ts";
import type { JobState } from "./job-state.ts";
import { count, ms, SIGNAL } from "./option-spec.ts";
import type { OptionTable } from "./options.ts";

export interface TaskOptionValues {
  readonly input: unknown;
  readonly queue: string;
  readonly runs: "loop" | "thread" | "process";
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly keep: KeepValues;
}

export interface KeepValues {
  readonly doneMs: number;
  readonly deadMs: number;
}

export interface EnqueueOptionValues {
  readonly id: string | undefined;
  readonly delayMs: number | undefined;
  readonly runAt: unknown;
  readonly priority: number;
  readonly key: string | undefined;
  readonly waitMs: number;
  readonly whenFull: unknown;
  readonly expireMs: number | undefined;
  readonly trace: TraceOptionValues;
  readonly signal: unknown;
  readonly tx: unknown;
}

export interface TraceOptionValues {
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

export interface WaitOptionValues {
  readonly waitMs: number;
  readonly signal: unknown;
}

export interface JoinOptionValues extends WaitOptionValues {
  readonly queue: string | undefined;
}

export interface ListOptionValues {
  readonly queue: string | undefined;
  readonly state: JobState | undefined;
  readonly limit: number;
  readonly after: string | undefined;
}

export interface LockOptionValues {
  readonly name: string | undefined;
  readonly diagnostics: "full" | "sampled" | "off" | undefined;
  readonly waitersMax: number;
  readonly logger: unknown;
}

export interface CloseOptionValues {
  readonly graceMs: number;
}

export interface QueueOptionValues {
  readonly capacity: number;
  readonly waitersMax: number | undefined;
}

export interface WorkOptionValues {
  readonly loop: number;
  readonly threads: number;
  readonly processes: number;
  readonly queues: unknown;
}

export interface OpenOptionValues {
  readonly store: string;
  readonly tasks: unknown;
  readonly work: unknown;
  readonly queues: unknown;
  readonly signals: boolean;
  readonly logger: unknown;
  readonly runtime: "threads" | "inline";
}

export interface ExpressOptionValues {
  readonly retryAfterMs: number;
}

export interface FastifyOptionValues extends ExpressOptionValues {
  readonly app: unknown;
  readonly graceMs: number;
  readonly healthPath: string | undefined;
  readonly errors: boolean;
}

const WAIT = ms(WAIT_MS_DEFAULT, [0, TIMER_MS_MAX], "how long the call may wait");
export const BACKOFF_OPTIONS: OptionTable<Backoff> = {
  firstMs: ms(BACKOFF_FIRST_MS_DEFAULT, [0, DELAY_MS_MAX], "delay after the first failure"),
  factor: {
    kind: "number",
    unit: "factor",
    fallback: BACKOFF_FACTOR_DEFAULT,
    min: 1,
    max: 100,
    about: "growth of the delay with each failure",
  },
  maxMs: ms(BACKOFF_MS_MAX_DEFAULT, [0, DELAY_MS_MAX], "the longest delay"),
  jitter: {
    kind: "number",
    unit: "share",
    fallback: BACKOFF_JITTER_DEFAULT,
    min: 0,
    max: 1,
    about: "share of the delay that chance may add or take",
  },
};

export const TASK_OPTIONS: OptionTable<TaskOptionValues> = {
  input: {
    kind: "other",
    expected: "a Standard Schema validator",
    about: "checks the input at enqueue and again before the handler",
  },
  queue: { kind: "queue", fallback: "default", about: "where its jobs wait" },
  runs: {
    kind: "choice",
    fallback: "loop",
    choices: ["loop", "thread", "process"],
    about: "loop for async I/O, thread for CPU work, process for native code that may crash",
  },
  timeoutMs: ms(TIMEOUT_MS_DEFAULT, [1, TIMEOUT_MS_MAX], "time for one attempt"),
  attempts: count(ATTEMPTS_DEFAULT, [1, ATTEMPTS_MAX], "tries in all"),
  backoff: { kind: "group", of: BACKOFF_OPTIONS, about: "how long to wait before a retry" },
  keep: {
    kind: "group",
    of: {
      doneMs: ms(KEEP_DONE_MS_DEFAULT, [0, KEEP_MS_MAX], "how long a done job can still be read"),
      deadMs: ms(KEEP_DEAD_MS_DEFAULT, [0, KEEP_MS_MAX], "how long dead letters stay"),
    },
    about: "retention of settled jobs",
  },
};

export const TRACE_OPTIONS: OptionTable<TraceOptionValues> = {
  traceparent: {
    kind: "text",
    fallback: undefined,
    charsMax: TRACEPARENT_CHARS_MAX,
    about: "the W3C header of that name",
  },
  tracestate: {
    kind: "text",
    fallback: undefined,
    charsMax: TRACESTATE_CHARS_MAX,
    about: "the W3C header of that name",
  },
};

export const ENQUEUE_OPTIONS: OptionTable<EnqueueOptionValues> = {
  id: {
    kind: "text",
    fallback: undefined,
    charsMax: ID_CHARS_MAX,
    about: "makes a repeated enqueue harmless",
  },
  delayMs: ms(undefined, [0, DELAY_MS_MAX], "start no sooner than this from now"),
  runAt: {
    kind: "other",
    expected: "a Date or milliseconds since 1970",
    about: "start no sooner than this instant",
  },
  priority: count(0, [0, 9], "0 is first"),
  key: {
    kind: "text",
    fallback: undefined,
    charsMax: KEY_CHARS_MAX,
    about: "at most one unfinished job with it per task",
  },
  waitMs: WAIT,
  whenFull: {
    kind: "other",
    expected: '"wait", "reject", "drop-newest", "drop-oldest" or { retry: backoff }',
    about: "what to do while the queue is full",
  },
  expireMs: ms(undefined, [1, DELAY_MS_MAX], "give up unless it has started by then"),
  trace: { kind: "group", of: TRACE_OPTIONS, about: "handed to the handler as ctx.trace" },
  signal: SIGNAL,
  tx: {
    kind: "other",
    expected: "a database transaction",
    about: "enqueue inside the caller's own transaction; not on SQLite",
  },
};

export const RESULT_OPTIONS: OptionTable<WaitOptionValues> = { waitMs: WAIT, signal: SIGNAL };

export const JOIN_OPTIONS: OptionTable<JoinOptionValues> = {
  queue: { kind: "queue", fallback: undefined, about: "only this queue" },
  waitMs: ms(JOIN_MS_DEFAULT, [0, TIMER_MS_MAX], "how long the call may wait"),
  signal: SIGNAL,
};

export const LIST_OPTIONS: OptionTable<ListOptionValues> = {
  queue: { kind: "queue", fallback: undefined, about: "only this queue" },
  state: {
    kind: "choice",
    fallback: undefined,
    choices: ["scheduled", "ready", "leased", "done", "dead", "cancelled", "expired", "dropped"],
    about: "only this state",
  },
  limit: count(LIST_LIMIT_DEFAULT, [1, LIST_LIMIT_MAX], "at most this many"),
  after: {
    kind: "text",
    fallback: undefined,
    charsMax: ID_CHARS_MAX,
    about: "continue after this job id",
  },
};

export const LOCK_OPTIONS: OptionTable<LockOptionValues> = {
  name: {
    kind: "text",
    fallback: undefined,
    charsMax: LOCK_NAME_CHARS_MAX,
    about: "how errors and reports call it",
  },
  diagnostics: {
    kind: "choice",
    fallback: undefined,
    choices: ["full", "sampled", "off"],
    about:
      "how many calls have their place noted; off finds no deadlocks. Default full when NODE_ENV is development, else sampled",
  },
  waitersMax: count(WAITERS_MAX_DEFAULT, [0, 1_000_000], "calls that may wait for it at once"),
  logger: {
    kind: "other",
    expected: "an object with info, warn and error",
    about: "a pino-shaped logger",
  },
};

export const LOCK_WAIT_OPTIONS: OptionTable<WaitOptionValues> = {
  waitMs: ms(
    WAIT_MS_DEFAULT,
    [0, Infinity],
    "how long the call may wait; a number above 2_147_483_647 counts as that, Infinity as for ever",
  ),
  signal: SIGNAL,
};

export const CLOSE_OPTIONS: OptionTable<CloseOptionValues> = {
  graceMs: ms(CLOSE_GRACE_MS_DEFAULT, [0, 3_600_000], "time for running handlers"),
};

export const QUEUE_OPTIONS: OptionTable<QueueOptionValues> = {
  capacity: count(
    QUEUE_CAPACITY_DEFAULT,
    [1, QUEUE_CAPACITY_MAX],
    "waiting jobs, delayed ones included; there is no unbounded queue",
  ),
  waitersMax: count(
    undefined,
    [0, 1_000_000],
    `callers waiting for room; default the capacity, at most ${WAITERS_MAX_DEFAULT}`,
  ),
};

export const WORK_OPTIONS: OptionTable<WorkOptionValues> = {
  loop: count(LOOP_SLOTS_DEFAULT, [0, LOOP_SLOTS_MAX], "loop handlers at once"),
  threads: count(THREADS_DEFAULT, [0, THREADS_MAX], "job threads"),
  processes: count(
    PROCESSES_DEFAULT,
    [0, THREADS_MAX],
    "child processes, each started when there is a job for it",
  ),
  queues: {
    kind: "other",
    expected: "an array of queue names",
    about: "only these; default every queue of the registered tasks",
  },
};

export const OPEN_OPTIONS: OptionTable<OpenOptionValues> = {
  store: {
    kind: "text",
    fallback: "sqlite:.unjam/jobs.db",
    charsMax: 4_096,
    about: '"memory:" or "sqlite:<path>"',
  },
  tasks: {
    kind: "other",
    expected: "the URL of a module, or an array of tasks",
    about: "what can run here",
  },
  work: {
    kind: "other",
    expected: "false or an object",
    about: "what this process runs; false = producer only",
  },
  queues: {
    kind: "other",
    expected: "an object of queue options by name",
    about: "capacity by queue",
  },
  signals: { kind: "flag", fallback: false, about: "close on SIGTERM and SIGINT" },
  logger: {
    kind: "other",
    expected: "an object with info, warn and error",
    about: "a pino-shaped logger",
  },
  runtime: {
    kind: "choice",
    fallback: "threads",
    choices: ["threads", "inline"],
    about: "inline runs everything in the calling thread, for tests: no kill, no free loop",
  },
};

export const EXPRESS_OPTIONS: OptionTable<ExpressOptionValues> = {
  retryAfterMs: ms(
    RETRY_AFTER_MS_DEFAULT,
    [1, 86_400_000],
    "what Retry-After says on a 503, in whole seconds, rounded up",
  ),
};

export const FASTIFY_OPTIONS: OptionTable<FastifyOptionValues> = {
  app: { kind: "other", expected: "what open() resolved with", about: "closed with the server" },
  graceMs: ms(
    CLOSE_GRACE_MS_DEFAULT,
    [0, 3_600_000],
    "time for requests and running handlers when the server closes",
  ),
  healthPath: {
    kind: "text",
    fallback: undefined,
    charsMax: 256,
    about: 'answers GET on it with {"status":"ok"}; no route unless given',
  },
  ...EXPRESS_OPTIONS,
  errors: { kind: "flag", fallback: true, about: "answer UnjamErrors with their HTTP status" },
};
