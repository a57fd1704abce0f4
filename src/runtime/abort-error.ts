import { UnjamError } from "../core/errors.ts";
import type { JobNumber } from "../core/job.ts";
import { formatJobId } from "../core/job-id.ts";
import type { AbortReason } from "./messages.ts";

const REASONS: Readonly<Record<AbortReason, string>> = {
  cancelled: "it was cancelled",
  lost: "its lease was lost",
  closing: "the app is closing",
};

/** Why an attempt is told to stop, as the error that its signal carries. */
export function abortError(reason: AbortReason, id: JobNumber): UnjamError<"UNJAM_LEASE_LOST"> {
  return new UnjamError("UNJAM_LEASE_LOST", { id: formatJobId(id), reason: REASONS[reason] });
}
