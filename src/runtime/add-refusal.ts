import { fromErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { JobShape } from "../core/job.ts";
import { QUEUE_COUNT_MAX } from "../core/limits.ts";
import type { Added } from "./messages.ts";

/** Why a job was not added, as the error that its caller gets. */
export function addRefusal(
  outcome: Exclude<Added, { kind: "added" | "exists" | "numberTaken" }>,
  {
    shape,
    id,
    waitedMs,
  }: { readonly shape: JobShape; readonly id: string; readonly waitedMs: number },
): Error {
  const { queue } = shape;
  switch (outcome.kind) {
    case "error":
      return fromErrorRecord(outcome.error);
    case "taken":
      return new UnjamError("UNJAM_ID_TAKEN", { id, task: outcome.task });
    case "tooManyQueues":
      return new UnjamError("UNJAM_TOO_MANY_QUEUES", { countMax: QUEUE_COUNT_MAX });
    case "full": {
      const { capacity, hasConsumer, lastConsumer } = outcome;
      return hasConsumer
        ? new UnjamError("UNJAM_QUEUE_FULL", { queue, capacity, waitedMs })
        : new UnjamError("UNJAM_NO_CONSUMER", { queue, capacity, lastConsumer });
    }
  }
}
