import { POOL_ERRORS } from "./pool-errors.ts";
import { SHARED_ERRORS } from "./shared-errors.ts";
import { type SiteKind, siteInWords } from "./site-words.ts";
import { STORE_ERRORS } from "./store-errors.ts";
import { SYNC_ERRORS } from "./sync-errors.ts";
import { type Whereabouts, whereInWords } from "./whereabouts.ts";

/** What an app and its tools raise. */
const APP_ERRORS = {
  UNJAM_UNKNOWN_OPTION: {
    message: (d: { option: string; where: string; known: readonly string[] }): string =>
      `${d.where} has no option "${d.option}"; it takes ${d.known.join(", ")}`,
    help: "Check the spelling. In code durations end in Ms: timeoutMs, not timeout.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_INVALID_OPTION: {
    message: (d: { option: string; where: string; expected: string; got: string }): string =>
      `${d.where} expects ${d.option} to be ${d.expected}, not ${d.got}`,
    help: "In code durations are plain numbers of milliseconds, on the command line also 30s or 5m; counts are whole numbers. docs/reference/options.md lists every bound.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_UNKNOWN_COMMAND: {
    message: (d: { command: string; known: readonly string[] }): string =>
      `unjam has no command "${d.command}"; it has ${d.known.join(", ")}`,
    help: "`unjam --help` says what each command does.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_QUEUE_NAME_INVALID: {
    message: (d: { name: string; charsMax: number }): string =>
      `a queue name has 1 to ${d.charsMax} of the characters A-Z a-z 0-9 . _ : / -, not ${JSON.stringify(d.name)}`,
    help: "Rename the queue. The rule keeps names safe in URLs, logs and key prefixes.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_TOO_MANY_QUEUES: {
    message: (d: { countMax: number }): string => `the store already holds ${d.countMax} queues`,
    help: "Queue names should be few and fixed; put what varies (user, tenant) into the payload or the key.",
    httpStatus: 500,
    exitCode: 1,
  },
  UNJAM_TASK_UNKNOWN: {
    message: (d: { task: string; known: readonly string[] }): string =>
      `no task "${d.task}" here; known: ${d.known.join(", ") || "none"}`,
    help: "Pass the value made by task(), or export the task from the module given to open({ tasks }).",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_TASK_DUPLICATE: {
    message: (d: { task: string }): string => `two different tasks are called "${d.task}"`,
    help: "Give each task a name of its own: stored jobs find their handler by it.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_TASK_HAS_NO_HANDLER: {
    message: (d: { task: string }): string => `task "${d.task}" is a definition without a handler`,
    help: "Export handle(definition, fn) from the worker's module, or give task() the function as third argument.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_TASK_NEEDS_MODULE: {
    message: (d: { task: string; runs: string }): string =>
      `task "${d.task}" runs on a ${d.runs}, so it must be imported there, and an array of task values cannot be`,
    help: 'Export the task from a module and pass open({ tasks: new URL("./tasks.ts", import.meta.url) }).',
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_TASK_MODULE_NOT_FOUND: {
    message: (d: { url: string; tried: readonly string[] }): string =>
      `no task module at ${d.url}; tried ${d.tried.join(", ")}`,
    help: 'Pass a URL relative to the calling file: new URL("./tasks.ts", import.meta.url). Under a bundler, make the task module an entry of its own; after tsc the sibling .js is found by itself.',
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_TASK_MODULE_FAILED: {
    message: (d: { url: string; reason: string }): string =>
      `the task module ${d.url} failed to load: ${d.reason}`,
    help: "Import the module by itself with node to see its error. Worker threads load it anew, so it must not start servers at top level. A bundler that inlined unjam cannot load it either: mark unjam external (Next.js: serverExternalPackages).",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_OPEN_IN_JOB_THREAD: {
    message: (_: Record<never, never>): string =>
      "open() was called inside a job thread or a job process",
    help: "The task module is imported in every job thread and job process, so it must not call open(); do that in the server's module and use ctx.enqueue() in handlers.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_THREAD_ENTRY_MISSING: {
    message: (d: { entry: string }): string =>
      `the runtime's thread module ${d.entry} does not exist`,
    help: 'A bundler inlined unjam. Mark it external: esbuild --external:unjam, webpack externals, Next.js serverExternalPackages: ["unjam"].',
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_NODE_TOO_OLD: {
    message: (d: { needed: string; version: string }): string =>
      `unjam needs Node ${d.needed}, and this is ${d.version}`,
    help: "Install a supported Node. Older ones bundle an SQLite that can corrupt its file when two processes write.",
    httpStatus: 500,
    exitCode: 2,
  },
  UNJAM_NOT_SUPPORTED: {
    message: (d: { what: string; where: string }): string =>
      `${d.what} is not supported by ${d.where}`,
    help: "CHANGELOG.md and the README's limits say what this version does not do yet.",
    httpStatus: 501,
    exitCode: 2,
  },
  UNJAM_CLOSED: {
    message: (d: { what: string }): string => `${d.what} was called on a closed app`,
    help: "Call close() last. During a shutdown, stop accepting requests before you close the app.",
    httpStatus: 503,
    exitCode: 1,
  },
  UNJAM_PAYLOAD_INVALID: {
    message: (d: { task: string; issues: readonly string[] }): string =>
      `the input of task "${d.task}" does not fit its schema: ${d.issues.join("; ")}`,
    help: "Fix the input, or the schema. A stored job whose payload no longer fits goes to the dead letters at once.",
    httpStatus: 400,
    exitCode: 2,
  },
  UNJAM_PAYLOAD_NOT_SERIALIZABLE: {
    message: (d: { task: string; reason: string }): string =>
      `the input of task "${d.task}" cannot be written as JSON: ${d.reason}`,
    help: "Payloads are JSON at rest: no functions, BigInt or cycles. Send ids and paths, not live objects.",
    httpStatus: 400,
    exitCode: 2,
  },
  UNJAM_PAYLOAD_NOT_JSON: {
    message: (d: { task: string; reason: string }): string =>
      `the input of task "${d.task}" is not JSON: ${d.reason}`,
    help: "Quote it for the shell: unjam enqueue resize '{\"width\":200}'. With - it is read from stdin.",
    httpStatus: 400,
    exitCode: 2,
  },
  UNJAM_PAYLOAD_TOO_LARGE: {
    message: (d: { task: string; bytes: number; bytesMax: number }): string =>
      `the input of task "${d.task}" is ${d.bytes} bytes as JSON, more than ${d.bytesMax}`,
    help: "Store the data (a file, a table, an object store) and enqueue where it is.",
    httpStatus: 413,
    exitCode: 2,
  },
  UNJAM_PAYLOAD_TOO_DEEP: {
    message: (d: { task: string; depthMax: number }): string =>
      `the input of task "${d.task}" is nested deeper than ${d.depthMax} levels`,
    help: "Flatten it, or store it elsewhere and enqueue where it is.",
    httpStatus: 400,
    exitCode: 2,
  },
  UNJAM_BATCH_TOO_LARGE: {
    message: (d: { jobs: number; jobsMax: number }): string =>
      `one enqueueMany takes at most ${d.jobsMax} inputs, not ${d.jobs}`,
    help: "A batch is one transaction; call enqueueMany several times.",
    httpStatus: 413,
    exitCode: 2,
  },
  UNJAM_ID_TAKEN: {
    message: (d: { id: string; task: string }): string =>
      `id "${d.id}" already belongs to a job of task "${d.task}" with other content`,
    help: "An id names one piece of work. Repeat it only with the same task and input.",
    httpStatus: 409,
    exitCode: 1,
  },
  UNJAM_QUEUE_FULL: {
    message: (d: { queue: string; capacity: number; waitedMs: number }): string =>
      `queue "${d.queue}" is full: ${d.capacity} wait in it, its capacity; waited ${d.waitedMs} ms for room`,
    help: "Answer 503 with Retry-After, add workers, or raise the queue's capacity.",
    httpStatus: 503,
    exitCode: 1,
  },
  UNJAM_TOO_MANY_WAITERS: {
    message: (d: { what: string; queue?: string; waitersMax: number }): string =>
      `${d.waitersMax} callers already wait for ${d.what}`,
    help: "Await each call before you make the next, or raise waitersMax, which bounds those who wait at once. A server answers 503 with Retry-After.",
    httpStatus: 503,
    exitCode: 1,
  },
  UNJAM_NO_CONSUMER: {
    message: (d: {
      queue: string;
      capacity: number;
      lastConsumer: { worker: string; goneMs: number; reason: string } | null;
      /** The last that died, where that is known: others may have been stopped since. */
      lastDeath?: { worker: string; goneMs: number; reason: string } | null;
    }): string => {
      const { lastConsumer: last, lastDeath: death = null } = d;
      const went =
        last === null
          ? "it never had one"
          : `the last, ${last.worker}, went ${last.goneMs} ms ago: ${last.reason}`;
      const died =
        death === null || death.goneMs === last?.goneMs
          ? ""
          : `; before, ${death.worker} died ${death.goneMs} ms ago: ${death.reason}`;
      return `queue "${d.queue}" (capacity ${d.capacity}) has no live consumer; ${went}${died}`;
    },
    help: "Start a worker for the queue: open({ work }) in this process, or `unjam worker` beside it; for a queue in memory, queue.consume().",
    httpStatus: 503,
    exitCode: 3,
  },
  UNJAM_BROKEN: {
    message: (d: { part: string; restarts: number; perMs: number; reason: string }): string =>
      `${d.part} died ${d.restarts} times in ${d.perMs} ms, its restart budget; last: ${d.reason}`,
    help: "Something kills it again and again. The last reason and the log say what; restart the process once it is mended.",
    httpStatus: 503,
    exitCode: 3,
  },
  UNJAM_OUTCOME_UNKNOWN: {
    message: (d: { what: string; ids: readonly string[]; waitedMs: number }): string =>
      `no answer to ${d.what} within ${d.waitedMs} ms; it may or may not have happened`,
    help: "Repeat the enqueue with the same id: a job that was stored is not stored twice.",
    httpStatus: 503,
    exitCode: 124,
  },
  UNJAM_WAIT_TIMEOUT: {
    message: (d: { what: string; waitedMs: number; state: string | null }): string =>
      `${d.what} was not over after ${d.waitedMs} ms${d.state === null ? "" : `; it is ${d.state}`}`,
    help: "The wait ended, not the work. Ask again, or raise waitMs.",
    httpStatus: 504,
    exitCode: 124,
  },
  UNJAM_JOIN_TIMEOUT: {
    message: (d: {
      waitedMs: number;
      unfinishedCount: number;
      unfinished: readonly {
        id: string;
        /** The job's task; of an item in memory its value, in a few words. */
        task: string;
        queue: string;
        state: string;
        holder: string | null;
        sinceMs: number | null;
        /** What its holder waits for now; of a job that nobody holds, what keeps it waiting. */
        waitsFor?: string | null;
        /** Of an item in memory: where in the code it was taken. */
        site?: string | null;
        /** Whether `site` is the exact call, one that happened to be noted, or where a loop began. */
        siteKind?: SiteKind | null;
        /** Of a job: its attempt, where that runs, and what it last said of itself. */
        attempt?: number;
        runs?: string | null;
        progress?: number | null;
        note?: string | null;
      }[];
    }): string => {
      const first = d.unfinished[0];
      if (first === undefined) return `${d.unfinishedCount} unfinished after ${d.waitedMs} ms`;
      const by = first.holder === null ? "" : ` by ${first.holder} for ${first.sinceMs ?? 0} ms`;
      const site =
        typeof first.site !== "string" ? "" : ` (${siteInWords(first.site, first.siteKind)})`;
      const at = typeof first.note === "string" ? ` at "${first.note}"` : "";
      const waits = typeof first.waitsFor !== "string" ? "" : `, which waits for ${first.waitsFor}`;
      const named = `; first: ${first.id} (${first.task}), ${first.state}${by}${site}${at}${waits}`;
      return `${d.unfinishedCount} unfinished after ${d.waitedMs} ms${named}`;
    },
    help: "details.unfinished names each one, its holder, since when, and where it is. The work goes on; only the wait ended.",
    httpStatus: 504,
    exitCode: 124,
  },
  UNJAM_JOB_UNKNOWN: {
    message: (d: { id: string }): string => `no job "${d.id}" in this store`,
    help: "It was never stored, or its row was pruned after its retention (keep.doneMs, keep.deadMs).",
    httpStatus: 404,
    exitCode: 1,
  },
  UNJAM_JOB_FAILED: {
    message: (d: { id: string; task: string; attempts: number; reason: string }): string =>
      `job "${d.id}" (${d.task}) is dead after ${d.attempts} attempts: ${d.reason}`,
    help: "The cause has the handler's error. app.retry([id]) gives it another round.",
    httpStatus: 500,
    exitCode: 1,
  },
  UNJAM_JOB_CANCELLED: {
    message: (d: { id: string; task: string }): string => `job "${d.id}" (${d.task}) was cancelled`,
    help: "Somebody called job.cancel(). app.retry([id]) starts it again.",
    httpStatus: 409,
    exitCode: 1,
  },
  UNJAM_JOB_EXPIRED: {
    message: (d: { id: string; task: string }): string =>
      `job "${d.id}" (${d.task}) expired before it could start`,
    help: "It waited longer than its expireMs. Add workers, or allow more time.",
    httpStatus: 504,
    exitCode: 1,
  },
  UNJAM_JOB_DROPPED: {
    message: (d: { id: string; task: string }): string =>
      `job "${d.id}" (${d.task}) was dropped by the queue's overflow policy`,
    help: "The queue was full and its policy gave this job's place to another.",
    httpStatus: 503,
    exitCode: 1,
  },
  UNJAM_RESULT_TOO_LARGE: {
    message: (d: { id: string; bytes: number; bytesMax: number }): string =>
      `job "${d.id}" is done, but its result of ${d.bytes} bytes was not stored: the limit is ${d.bytesMax}`,
    help: "Let the handler store what it makes and return where it is.",
    httpStatus: 500,
    exitCode: 1,
  },
  UNJAM_RESULT_NOT_SERIALIZABLE: {
    message: (d: { id: string; reason: string }): string =>
      `job "${d.id}" is done, but its result cannot be written as JSON: ${d.reason}`,
    help: "Return plain data from the handler, or nothing.",
    httpStatus: 500,
    exitCode: 1,
  },
  UNJAM_RESULT_GONE: {
    message: (d: { id: string }): string => `job "${d.id}" was settled and its row is gone`,
    help: "Raise keep.doneMs, or ask for the result sooner.",
    httpStatus: 410,
    exitCode: 1,
  },
  UNJAM_ATTEMPT_TIMEOUT: {
    message: (d: {
      task: string;
      timeoutMs: number;
      runs: string;
      /** Where it was, on a thread: in JavaScript with its stack, or in native code with the system call. */
      stuck?: Whereabouts | null;
    }): string =>
      `the attempt of task "${d.task}" was not over after its timeoutMs of ${d.timeoutMs} (on a ${d.runs})${whereInWords(d.stuck)}`,
    help: "details.stuck says where a thread was. Pass ctx.signal to what the handler awaits, move CPU work to a thread, or raise timeoutMs.",
    httpStatus: 504,
    exitCode: 124,
  },
  UNJAM_LEASE_LOST: {
    message: (d: { id: string; reason: string }): string =>
      `this attempt no longer holds job "${d.id}": ${d.reason}`,
    help: "Another attempt may be running. Stop; nothing that this one reports counts any more.",
    httpStatus: 409,
    exitCode: 1,
  },
  UNJAM_THREAD_DIED: {
    message: (d: { task: string; reason: string }): string =>
      `the thread that ran task "${d.task}" died: ${d.reason}`,
    help: "The job costs one loss and runs again on a new thread. process.exit() and running out of memory end a thread.",
    httpStatus: 500,
    exitCode: 1,
  },
  UNJAM_PROCESS_DIED: {
    message: (d: { task: string; reason: string; losses: number }): string =>
      `the process that ran task "${d.task}" and nothing else died: ${d.reason}${
        d.losses === 0 ? "" : `; the job was lost ${d.losses} times before`
      }`,
    help: "The job costs one loss and runs again; after two it runs once more, in a process that is its own, and is dead if that dies too. What it wrote to stderr last may say more.",
    httpStatus: 500,
    exitCode: 1,
  },
} as const;

/**
 * Every error a caller can receive, in one table. A code is public API: it is never reused or
 * renamed. docs/reference/errors.md is generated from here, and a test fails when a code is
 * thrown nowhere or documented nowhere. Messages say what was expected, of which option, and
 * what came instead. Exit codes: 1 failed, 2 usage, 3 stuck, 4 store unreachable, 124 timed out.
 */
export const ERRORS: typeof APP_ERRORS &
  typeof STORE_ERRORS &
  typeof SYNC_ERRORS &
  typeof SHARED_ERRORS &
  typeof POOL_ERRORS = {
  ...APP_ERRORS,
  ...STORE_ERRORS,
  ...SYNC_ERRORS,
  ...SHARED_ERRORS,
  ...POOL_ERRORS,
};
