import type { Clock } from "../core/clock.ts";
import { fromErrorRecord, parseErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import { isError } from "../core/is-error.ts";
import type { LogLine } from "../core/job-context.ts";
import { ATTEMPTS_MAX } from "../core/limits.ts";
import { invalid, type OptionTable, readOptions, readSignal } from "../core/options.ts";
import { taskBody } from "../core/task.ts";
import type { Task } from "../client/task.ts";
import { AttemptContext, type AttemptLink } from "../runtime/attempt-context.ts";
import { checkedPayload } from "../runtime/checked-payload.ts";
import { callHandler, endOfValue } from "../runtime/run-handler.ts";
import { machineClock } from "../threads/machine-clock.ts";

/** How the attempt looks to the handler. */
export interface RunOptions {
  /** `ctx.attempt`, from 1 (default) to 1,000. */
  readonly attempt?: number;
  /** Aborts `ctx.signal`, as a deadline or a cancel would; from then on `ctx` calls are refused. */
  readonly signal?: AbortSignal;
}

/** What stands around the handler; not for users. */
export interface RunSurroundings {
  readonly clock: Clock;
  readonly log: (line: LogLine) => void;
  readonly enqueue: AttemptLink["enqueue"];
  readonly result: AttemptLink["result"];
}

const RUN_OPTIONS: OptionTable<{ attempt: number; signal: unknown }> = {
  attempt: {
    kind: "number",
    unit: "count",
    fallback: 1,
    min: 1,
    max: ATTEMPTS_MAX,
    about: "which try the handler sees",
  },
  signal: { kind: "other", expected: "an AbortSignal", about: "ends the attempt" },
};

/** A number that no store gives away: the job of a handler that was called without one. */
const NO_JOB = 0;

const refuse = (): Promise<never> => {
  const details = { what: "ctx.enqueue", where: "runInline without an app; use openTest" };
  return Promise.reject(new UnjamError("UNJAM_NOT_SUPPORTED", details));
};

const ALONE: RunSurroundings = {
  clock: machineClock,
  log: () => undefined,
  enqueue: refuse,
  result: refuse,
};

/**
 * Calls a task's handler once, here and now, as the runtime would: the input is checked by the
 * schema and goes through JSON, and so does the result. No app, no store, no retry, no deadline:
 * what the handler throws is thrown, `retryIn` and `giveUp` too. `ctx.progress`, `ctx.step` and
 * `ctx.log` check what they are given and keep nothing; `ctx.enqueue` needs `openTest`.
 *
 * @throws what the handler throws; UNJAM_PAYLOAD_…, UNJAM_TASK_HAS_NO_HANDLER,
 *   UNJAM_RESULT_TOO_LARGE, UNJAM_RESULT_NOT_SERIALIZABLE, UNJAM_INVALID_OPTION
 *
 * @example
 * import assert from "node:assert/strict";
 * import { task } from "unjam";
 * import { runInline } from "unjam/testing";
 * const greet = task("greet", {}, async ({ name }: { name: string }, ctx) => {
 *   return `hello ${name}, try ${ctx.attempt}`;
 * });
 * assert.equal(await runInline(greet, { name: "Ada" }, { attempt: 2 }), "hello Ada, try 2");
 */
export function runInline<In, Out>(
  task: Task<In, Out>,
  input: NoInfer<In>,
  options?: RunOptions,
): Promise<Out> {
  return runWithin(ALONE, task, { input, options });
}

/** {@link runInline} with an app around it; not for users. */
export async function runWithin<In, Out>(
  around: RunSurroundings,
  task: Task<In, Out>,
  given: { readonly input: In; readonly options: RunOptions | undefined },
): Promise<Out> {
  const body = taskBody(task);
  if (body === undefined) throw invalid("task", "runInline()", "a value made by task()", task);
  const { name, timeoutMs } = body.facts;
  const { attempt, signal: givenSignal } = readOptions(RUN_OPTIONS, given.options, "runInline()");
  const signal = readSignal(givenSignal, "runInline()");
  const checked = checkedPayload(body, given.input);
  const payload = typeof checked === "string" ? checked : await checked;

  const deadlineAt = Math.round(around.clock.wallNow() + timeoutMs);
  const facts = { id: NO_JOB, token: attempt, attempt, task: name, deadlineAt, extra: null };
  const context = new AttemptContext(facts, { ...around, progress: () => undefined });
  const revoke = (): void => context.revoke(reasonOf(signal));
  if (signal?.aborted === true) revoke();
  signal?.addEventListener("abort", revoke, { once: true });
  try {
    const value = await callHandler(body, payload, context);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this task's handler returned, as its types say.
    return throughJson(value, context.jobId) as Out;
  } finally {
    signal?.removeEventListener("abort", revoke);
  }
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return isError(reason) ? reason : new Error(String(reason));
}

/** A result as a caller of `job.result()` would get it. */
function throughJson(value: unknown, jobId: string): unknown {
  const end = endOfValue(value, jobId);
  if (end.kind !== "returned") return undefined;
  if (end.problem !== null) throw fromErrorRecord(parseErrorRecord(end.problem));
  return end.result === null ? undefined : JSON.parse(end.result);
}
