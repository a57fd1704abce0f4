import { parseErrorRecord } from "./error-record.ts";
import { type ErrorRecord, UnjamError } from "./errors.ts";
import { formatJobId } from "./job-id.ts";
import type { JobNumber } from "./job.ts";

/** JSON of the ErrorRecord that a job keeps when its lease was taken from its owner. */
export function lostLeaseError(id: JobNumber, reason: string): string {
  return JSON.stringify(recordOf(id, reason));
}

/** JSON of the ErrorRecord of a job that was lost too often. `last` is the JSON of its last loss. */
export function poisonError(id: JobNumber, losses: number, last: string): string {
  const reason = `it was lost with its owner ${losses} times, so it is not tried again`;
  return JSON.stringify({ ...recordOf(id, reason), cause: parseErrorRecord(last) });
}

/** Without a stack: it would show where the store noticed, not where anything went wrong. */
function recordOf(id: JobNumber, reason: string): ErrorRecord {
  const error = new UnjamError("UNJAM_LEASE_LOST", { id: formatJobId(id), reason });
  const { name, message, code, details } = error;
  return { name, message, code, details };
}
