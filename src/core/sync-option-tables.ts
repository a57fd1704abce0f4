import {
  CLOSE_GRACE_MS_DEFAULT,
  CONCURRENCY_MAX,
  QUEUE_CAPACITY_DEFAULT,
  QUEUE_CAPACITY_MAX,
  RESTARTS_MAX,
  RESTARTS_PER_MS,
  WAITERS_MAX_DEFAULT,
  WAIT_MS_DEFAULT,
} from "./limits.ts";
import type { WaitOptionValues } from "./option-tables.ts";
import { count, ms, SIGNAL } from "./option-spec.ts";
import type { OptionTable } from "./options.ts";
import type { RestartBounds } from "./restart-budget.ts";

export interface JoinableQueueOptionValues {
  readonly name: string;
  readonly capacity: number;
  readonly order: unknown;
  readonly whenFull: unknown;
  readonly waitersMax: number | undefined;
  readonly diagnostics: "sampled" | "full" | "off" | undefined;
  readonly describe: unknown;
  readonly logger: unknown;
  readonly ports: unknown;
}

export interface PutOptionValues extends WaitOptionValues {
  readonly whenFull: unknown;
}

export interface ItemsOptionValues extends WaitOptionValues {
  readonly name: string | undefined;
}

export interface ConsumeOptionValues {
  readonly concurrency: number;
  readonly restarts: unknown;
  readonly onError: unknown;
  readonly name: string | undefined;
  readonly signal: unknown;
}

/** In memory a wait may have no end, when somebody wrote so. */
const WAIT = ms(
  WAIT_MS_DEFAULT,
  [0, Number.POSITIVE_INFINITY],
  "how long the call may wait; `Infinity` for ever",
);
const WHEN_FULL = {
  kind: "other",
  expected: '"wait", "reject", "drop-newest", "drop-oldest" or { retry: backoff }',
  about: "what a put does while the queue is full",
} as const;

export const JOINABLE_QUEUE_OPTIONS: OptionTable<JoinableQueueOptionValues> = {
  name: { kind: "queue", fallback: "queue", about: "what errors and reports call it" },
  capacity: count(
    QUEUE_CAPACITY_DEFAULT,
    [1, QUEUE_CAPACITY_MAX],
    "items that may wait in it, not counting those that somebody holds",
  ),
  order: {
    kind: "other",
    expected: '"fifo", "lifo" or { by: (value) => number }',
    about: "which item is next; `by` ranks a value once, the lowest is first",
  },
  whenFull: WHEN_FULL,
  waitersMax: count(
    undefined,
    [0, 1_000_000],
    `callers waiting for room, and for an item; default the capacity, at most ${WAITERS_MAX_DEFAULT}`,
  ),
  diagnostics: {
    kind: "choice",
    fallback: undefined,
    choices: ["sampled", "full", "off"],
    about: "how often the code that takes an item is noted; full when NODE_ENV is development",
  },
  describe: { kind: "function", fallback: undefined, about: "a value in a few words, for reports" },
  logger: {
    kind: "other",
    expected: "an object with info, warn and error",
    about: "a pino-shaped logger",
  },
  ports: { kind: "other", expected: "an object", about: "clock, timers and chance, for tests" },
};

export const PUT_OPTIONS: OptionTable<PutOptionValues> = {
  waitMs: WAIT,
  signal: SIGNAL,
  whenFull: WHEN_FULL,
};

export const WAIT_OPTIONS: OptionTable<WaitOptionValues> = { waitMs: WAIT, signal: SIGNAL };

export const ITEMS_OPTIONS: OptionTable<ItemsOptionValues> = {
  name: {
    kind: "queue",
    fallback: undefined,
    about: 'what reports call the loop; default "loop-1", "loop-2" …',
  },
  waitMs: ms(
    Number.POSITIVE_INFINITY,
    [0, Number.POSITIVE_INFINITY],
    "how long it may wait for each item; for ever unless given, as `consume()` does",
  ),
  signal: SIGNAL,
};

export const CONSUME_OPTIONS: OptionTable<ConsumeOptionValues> = {
  concurrency: count(1, [1, CONCURRENCY_MAX], "handlers at once"),
  restarts: {
    kind: "other",
    expected: "an object",
    about: "`{ max, perMs }`: throws that the consumer survives; any number unless given",
  },
  onError: {
    kind: "function",
    fallback: undefined,
    about: "hears of each failed item; ends the consumer by throwing",
  },
  name: {
    kind: "queue",
    fallback: undefined,
    about: 'what reports call it; default "consumer-1", "consumer-2" …',
  },
  signal: SIGNAL,
};

export const RESTART_OPTIONS: OptionTable<RestartBounds> = {
  max: count(RESTARTS_MAX, [0, 1_000_000], "throws that the consumer survives"),
  perMs: ms(RESTARTS_PER_MS, [1, 86_400_000], "within this time"),
};

export const CLOSE_QUEUE_OPTIONS: OptionTable<{ readonly drop: boolean }> = {
  drop: { kind: "flag", fallback: false, about: "also drop what waits in the queue" },
};

export const STOP_OPTIONS: OptionTable<{ readonly graceMs: number }> = {
  graceMs: ms(
    CLOSE_GRACE_MS_DEFAULT,
    [0, 3_600_000],
    "time for running handlers before their signal aborts",
  ),
};
