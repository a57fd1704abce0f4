import {
  CALL_TIMEOUT_MS_DEFAULT,
  CALL_TIMEOUT_MS_MAX,
  CLOSE_GRACE_MS_DEFAULT,
  POOL_CAPACITY_DEFAULT,
  POOL_CAPACITY_MAX,
  POOL_IDLE_MS_DEFAULT,
  THREADS_DEFAULT,
  THREADS_MAX,
  WAIT_MS_DEFAULT,
} from "./limits.ts";
import type { WaitOptionValues } from "./option-tables.ts";
import { count, ms, SIGNAL } from "./option-spec.ts";
import type { OptionTable } from "./options.ts";

export interface ThreadPoolOptionValues {
  readonly module: unknown;
  readonly name: string;
  readonly threads: number;
  readonly threadsMin: number | undefined;
  readonly capacity: number;
  readonly timeoutMs: number;
  readonly idleMs: number;
  readonly renew: { readonly calls: number | undefined; readonly heapBytes: number | undefined };
  readonly resourceLimits: unknown;
  readonly ports: unknown;
}

export interface CallOptionValues {
  readonly timeoutMs: number | undefined;
  readonly signal: unknown;
  readonly transfer: unknown;
}

const CALL_TIMEOUT: readonly [number, number] = [1, CALL_TIMEOUT_MS_MAX];

export const THREAD_POOL_OPTIONS: OptionTable<ThreadPoolOptionValues> = {
  module: {
    kind: "other",
    expected: "the URL of a module",
    about: "whose exported functions the threads run; required",
  },
  name: { kind: "queue", fallback: "pool", about: "what errors and thread names call it" },
  threads: count(THREADS_DEFAULT, [1, THREADS_MAX], "threads at most"),
  threadsMin: count(
    undefined,
    [0, THREADS_MAX],
    "threads that stay when there is nothing to do; default 1",
  ),
  capacity: count(
    POOL_CAPACITY_DEFAULT,
    [1, POOL_CAPACITY_MAX],
    "calls that may wait or run; the next is refused with UNJAM_QUEUE_FULL",
  ),
  timeoutMs: ms(
    CALL_TIMEOUT_MS_DEFAULT,
    CALL_TIMEOUT,
    "a call's time, from the call to its answer, unless the call says so",
  ),
  idleMs: ms(
    POOL_IDLE_MS_DEFAULT,
    [1, Number.POSITIVE_INFINITY],
    "how long a thread may have nothing to do before it ends",
  ),
  renew: {
    kind: "group",
    about: "when a thread is replaced by a new one, between two calls",
    of: {
      calls: count(undefined, [1, Number.MAX_SAFE_INTEGER], "after so many calls"),
      heapBytes: count(
        undefined,
        [1, Number.MAX_SAFE_INTEGER],
        "when its heap and its buffers take more",
      ),
    },
  },
  resourceLimits: {
    kind: "other",
    expected: "an object as Worker takes it",
    about: "of each thread, such as `{ maxOldGenerationSizeMb: 256 }`",
  },
  ports: { kind: "other", expected: "an object", about: "clock and timers, for tests" },
};

export const CALL_OPTIONS: OptionTable<CallOptionValues> = {
  timeoutMs: ms(undefined, CALL_TIMEOUT, "this call's time; default the pool's"),
  signal: { ...SIGNAL, about: "stops the call, also one that runs" },
  transfer: {
    kind: "other",
    expected: "an array of buffers and ports",
    about: "what moves into the thread instead of being copied",
  },
};

export const WARM_UP_OPTIONS: OptionTable<WaitOptionValues> = {
  waitMs: ms(WAIT_MS_DEFAULT, CALL_TIMEOUT, "how long to wait for the threads"),
  signal: SIGNAL,
};

export const CLOSE_POOL_OPTIONS: OptionTable<{ readonly graceMs: number }> = {
  graceMs: ms(CLOSE_GRACE_MS_DEFAULT, [0, 3_600_000], "time for calls to finish"),
};
