import { type Whereabouts, whereInWords } from "./whereabouts.ts";

/** The part of the error table (error-table.ts) that only pools of threads raise. */
export const POOL_ERRORS = {
  UNJAM_CALL_TIMEOUT: {
    message: (d: {
      pool: string;
      call: string;
      timeoutMs: number;
      /** How long it ran; `null` when it never began. */
      ranMs: number | null;
      /** Where it was: in JavaScript with its stack, or in native code with the system call. `null`: not known. */
      stuck: Whereabouts | null;
    }): string =>
      `${d.call}() of pool "${d.pool}" was not over after ${d.timeoutMs} ms; ${
        d.ranMs === null
          ? "it never began"
          : `it ran for ${Math.round(d.ranMs)} ms${whereInWords(d.stuck)}`
      }`,
    help: "details.stuck says where the thread was. A call that ran is stopped, and its thread replaced when it does not stop; one that never began waited behind others: add threads, or raise timeoutMs.",
    httpStatus: 504,
    exitCode: 124,
  },
  UNJAM_CALL_STOPPED: {
    message: (d: { pool: string; reason: string }): string =>
      `a call of pool "${d.pool}" was told to stop: ${d.reason}`,
    help: "The reason of the signal inside the thread: the call's deadline passed (timeout), its caller gave up (aborted), or the pool closed. Stop the work and return.",
    httpStatus: 503,
    exitCode: 1,
  },
  UNJAM_CALL_UNKNOWN: {
    message: (d: { pool: string; call: string; known: readonly string[] }): string =>
      `the module of pool "${d.pool}" exports no function "${d.call}"; it exports ${d.known.join(", ") || "none"}`,
    help: "Export the function by this name from the pool's module. Types come from new ThreadPool<typeof import(…)>.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_CALL_NOT_CLONEABLE: {
    message: (d: {
      pool: string;
      call: string;
      what: "input" | "result";
      reason: string;
    }): string =>
      `the ${d.what} of ${d.call}() of pool "${d.pool}" cannot go to another thread: ${d.reason}`,
    help: "Values cross threads as by structuredClone: no functions, no class instances with methods, no weak maps. Send data, and name buffers and ports in transfer.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_CALL_LOST: {
    message: (d: { pool: string; call: string; reason: string }): string =>
      `the thread that ran ${d.call}() of pool "${d.pool}" is gone: ${d.reason}`,
    help: "Another thread has its place. process.exit(), running out of memory and errors that nobody catches end a thread; only the call that ran on it is lost.",
    httpStatus: 500,
    exitCode: 1,
  },
  UNJAM_POOL_MODULE_NOT_FOUND: {
    message: (d: { pool: string; url: string; tried: readonly string[] }): string =>
      `pool "${d.pool}" has no module at ${d.url}; tried ${d.tried.join(", ")}`,
    help: 'Pass a URL relative to the calling file: new URL("./work.ts", import.meta.url). Under a bundler, make the module an entry of its own; after tsc the sibling .js is found by itself.',
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_POOL_MODULE_FAILED: {
    message: (d: { pool: string; url: string; reason: string }): string =>
      `the module of pool "${d.pool}", ${d.url}, failed to load in a thread: ${d.reason}`,
    help: "The cause is its own error. Import the module by itself with node to see it; it is loaded anew in every thread.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_POOL_CLOSED: {
    message: (d: { pool: string }): string => `pool "${d.pool}" is closed`,
    help: "close() refuses new calls, lets running ones finish within graceMs, and ends the rest. Close the pool last.",
    httpStatus: 503,
    exitCode: 1,
  },
} as const;
