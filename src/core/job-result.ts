import { fromErrorRecord, parseErrorRecord } from "./error-record.ts";
import { isUnjamError, UnjamError } from "./errors.ts";
import type { JobRecord } from "./job.ts";
import { formatJobId } from "./job-id.ts";

/** The caller's own id where there is one. */
export function idOf({ id, callerId }: Pick<JobRecord, "id" | "callerId">): string {
  return callerId ?? formatJobId(id);
}

/** What the handler of a settled job returned. @throws UNJAM_JOB_…, UNJAM_RESULT_… when there is no such thing */
export function resultOf(record: JobRecord): unknown {
  const { task, state, attempt, error, result } = record;
  const id = idOf(record);
  const cause = error === null ? undefined : fromErrorRecord(parseErrorRecord(error));
  switch (state) {
    case "done":
      if (isUnjamError(cause)) throw cause;
      return result === null ? undefined : JSON.parse(result);
    case "cancelled":
      throw new UnjamError("UNJAM_JOB_CANCELLED", { id, task });
    case "expired":
      throw new UnjamError("UNJAM_JOB_EXPIRED", { id, task });
    case "dropped":
      throw new UnjamError("UNJAM_JOB_DROPPED", { id, task });
    default: {
      const reason = cause?.message ?? `it is ${state}`;
      throw new UnjamError("UNJAM_JOB_FAILED", { id, task, attempts: attempt, reason }, { cause });
    }
  }
}
