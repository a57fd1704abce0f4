import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { JobContext } from "../core/job-context.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import { serializeResult } from "../core/payload.ts";
import { describeIssue, type SchemaResult } from "../core/standard-schema.ts";
import type { TaskBody } from "../core/task.ts";
import { verdictOf } from "../core/verdict.ts";

/**
 * Calls a handler with its input as it was stored, checked again by the task's schema. The call
 * is synchronous up to the handler's own first `await`, so that its blocking can be measured.
 * Throws what the handler throws, or returns its value or promise.
 */
export function callHandler(body: TaskBody, payload: string, context: JobContext): unknown {
  const input: unknown = JSON.parse(payload);
  const { handler, input: schema, facts } = body;
  if (handler === undefined)
    throw new UnjamError("UNJAM_TASK_HAS_NO_HANDLER", { task: facts.name });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler's own types were checked where the task was made.
  const run = handler as (input: unknown, context: JobContext) => unknown;
  if (schema === undefined) return run(input, context);
  const checked = schema["~standard"].validate(input);
  if (checked instanceof Promise) {
    return checked.then((result) => run(valueOf(result, facts.name), context));
  }
  return run(valueOf(checked, facts.name), context);
}

/** @throws UNJAM_PAYLOAD_INVALID */
export function valueOf<T>(result: SchemaResult<T>, task: string): T {
  if (result.issues === undefined) return result.value;
  const issues = result.issues.slice(0, 10).map(describeIssue);
  throw new UnjamError("UNJAM_PAYLOAD_INVALID", { task, issues });
}

/** What a returned value means for the attempt. */
export function endOfValue(value: unknown, jobId: string): AttemptEnd {
  const { result, problem } = serializeResult(value, jobId);
  return {
    kind: "returned",
    result,
    problem: problem === null ? null : JSON.stringify(toErrorRecord(problem)),
  };
}

/** What a thrown value means for the attempt: `retryIn` and `giveUp` are verdicts, all else a failure. */
export function endOfError(thrown: unknown): AttemptEnd {
  const verdict = verdictOf(thrown);
  const isStale = thrown instanceof UnjamError && thrown.code === "UNJAM_PAYLOAD_INVALID";
  return {
    kind: "threw",
    error: JSON.stringify(toErrorRecord(thrown)),
    retryInMs: verdict?.retryInMs ?? null,
    isFinal: verdict?.isFinal === true || isStale,
  };
}
