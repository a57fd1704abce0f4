import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ResourceLimits, Transferable } from "node:worker_threads";
import type { Clock, Timers } from "../../core/clock.ts";
import { UnjamError } from "../../core/errors.ts";
import { invalid, readOptions, readSignal } from "../../core/options.ts";
import {
  CALL_OPTIONS,
  THREAD_POOL_OPTIONS,
  type ThreadPoolOptionValues,
} from "../../core/pool-option-tables.ts";
import { machineClock, machineTimers } from "../machine-clock.ts";

/** Time and timers, as arguments. */
export interface PoolPorts {
  readonly clock: Clock;
  readonly timers: Timers;
}

/** How a pool is made. docs/reference/options.md has units and bounds. */
export interface ThreadPoolOptions {
  /** The module whose exported functions the threads run. Its sibling `.js` is found after a build. */
  readonly module: URL | string;
  /** What errors and thread names call it. Default "pool". */
  readonly name?: string;
  /** Threads at most. Default 2. They start when calls need them. */
  readonly threads?: number;
  /** Threads that stay when there is nothing to do. Default 1. */
  readonly threadsMin?: number;
  /** Calls that may wait or run. Default 10,000; the next is refused at once with UNJAM_QUEUE_FULL. */
  readonly capacity?: number;
  /** A call's time, from the call to its answer, waiting included. Default 30_000. */
  readonly timeoutMs?: number;
  /** How long a thread above `threadsMin` may be idle before it ends. Default 60_000. */
  readonly idleMs?: number;
  /** Replaces a thread between two calls: after so many calls, or when its memory has grown. */
  readonly renew?: { readonly calls?: number; readonly heapBytes?: number };
  /** Limits of each thread's heap, as `new Worker` takes them. Running out costs the call that ran. */
  readonly resourceLimits?: ResourceLimits;
  /** Time and timers of the calling side, for tests. */
  readonly ports?: Partial<PoolPorts>;
}

export interface CallOptions {
  /** This call's time in ms, waiting included. Default the pool's. */
  readonly timeoutMs?: number;
  /** Stops the call: the promise rejects with its reason, and the function's own signal aborts. */
  readonly signal?: AbortSignal;
  /** Buffers and ports in the input that move into the thread instead of being copied. */
  readonly transfer?: readonly Transferable[];
}

/** The options of a pool, read and checked. */
export interface PoolSettings {
  readonly module: string;
  readonly name: string;
  readonly threads: number;
  readonly threadsMin: number;
  readonly capacity: number;
  readonly timeoutMs: number;
  readonly idleMs: number;
  readonly renewCalls: number;
  readonly renewHeapBytes: number;
  readonly resourceLimits: ResourceLimits;
  readonly ports: PoolPorts;
}

/** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_POOL_MODULE_NOT_FOUND */
export function readPoolOptions(options: ThreadPoolOptions): PoolSettings {
  const where = "ThreadPool";
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the table leaves open is checked below or was typed by the caller.
  const given = readOptions(THREAD_POOL_OPTIONS, options, where) as ThreadPoolOptionValues &
    Pick<ThreadPoolOptions, "ports">;
  const { name, threads, threadsMin = Math.min(1, threads), capacity, timeoutMs, idleMs } = given;
  if (threadsMin > threads) {
    throw invalid("threadsMin", where, `at most the ${threads} of threads`, threadsMin);
  }
  return {
    ...{ name, threads, threadsMin, capacity, timeoutMs, idleMs },
    module: findModule(given.module, name),
    renewCalls: given.renew.calls ?? Number.POSITIVE_INFINITY,
    renewHeapBytes: given.renew.heapBytes ?? Number.POSITIVE_INFINITY,
    resourceLimits: readResourceLimits(given.resourceLimits, where),
    ports: { clock: machineClock, timers: machineTimers, ...given.ports },
  };
}

function readResourceLimits(value: unknown, where: string): ResourceLimits {
  if (value === undefined) return {};
  if (typeof value === "object" && value !== null) return { ...value };
  throw invalid("resourceLimits", where, "an object as Worker takes it", value);
}

/** Source and build differ by extension only; after `tsc`, "./work.ts" stands beside as "./work.js". */
const SIBLINGS: Readonly<Record<string, string>> = {
  ...{ ".ts": ".js", ".mts": ".mjs", ".cts": ".cjs" },
  ...{ ".js": ".ts", ".mjs": ".mts", ".cjs": ".cts" },
};

function findModule(given: unknown, pool: string): string {
  const url = readUrl(given);
  // Modules that are no files (data:, node:) are for the thread to find.
  if (url.protocol !== "file:") return url.href;
  const extension = /\.[cm]?[jt]s$/.exec(url.pathname)?.[0] ?? "";
  const sibling = SIBLINGS[extension];
  const { href } = url;
  const tried = sibling === undefined ? [href] : [href, href.slice(0, -extension.length) + sibling];
  const found = tried.find((candidate) => existsSync(fileURLToPath(candidate)));
  if (found !== undefined) return found;
  throw new UnjamError("UNJAM_POOL_MODULE_NOT_FOUND", { pool, url: href, tried });
}

function readUrl(given: unknown): URL {
  if (given instanceof URL) return given;
  if (typeof given === "string" && URL.canParse(given)) return new URL(given);
  const wanted = 'a URL such as new URL("./work.ts", import.meta.url)';
  throw invalid("module", "ThreadPool", wanted, given);
}

/** One call, read and checked. */
export interface CallSettings {
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly transfer: readonly Transferable[] | undefined;
}

const PLAIN_CALL: CallSettings = { timeoutMs: undefined, signal: undefined, transfer: undefined };

/** @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION */
export function readCallOptions(options: unknown, name: string): CallSettings {
  if (options === undefined) return PLAIN_CALL;
  const where = `${name}()`;
  const { timeoutMs, signal, transfer } = readOptions(CALL_OPTIONS, options, where);
  if (transfer !== undefined && !Array.isArray(transfer)) {
    throw invalid("transfer", where, "an array of buffers and ports", transfer);
  }
  return { timeoutMs, signal: readSignal(signal, where), transfer };
}
