import type { EpochMs } from "../../core/clock.ts";
import type { Lease, Settlement } from "../../core/job.ts";
import { DEDUPE_MS, KEEP_DEAD_MS_DEFAULT, LOSSES_MAX } from "../../core/limits.ts";
import type { JobTable } from "./job-table.ts";
import { poisonError } from "../../core/lost-lease-error.ts";
import type { MemoryJob } from "./memory-job.ts";

/** Ends attempts; answers the leases that were lost before. */
export function settleJobs(
  jobs: JobTable,
  settlements: readonly Settlement[],
  wallNow: EpochMs,
): Lease[] {
  const lost: Lease[] = [];
  for (const settlement of settlements) {
    const job = jobs.held(settlement);
    if (job !== undefined) settleJob(jobs, { job, ...settlement }, wallNow);
    else if (!isRepeat(jobs, settlement)) lost.push({ id: settlement.id, token: settlement.token });
  }
  return lost;
}

/** A settled row stays until a late repeat of its enqueue can no longer come. */
export function endOf(
  wallNow: EpochMs,
  keepMs: number,
): { readonly at: EpochMs; readonly pruneAt: EpochMs } {
  return { at: wallNow, pruneAt: wallNow + Math.max(keepMs, DEDUPE_MS) };
}

/** Takes a job's lease: back into its lane, or dead once it was lost too often. Says whether it is dead. */
export function loseLease(
  jobs: JobTable,
  { job, error }: { job: MemoryJob; error: string },
  wallNow: EpochMs,
): boolean {
  const losses = job.losses + 1;
  const isPoison = losses > LOSSES_MAX;
  if (isPoison) {
    const end = endOf(wallNow, KEEP_DEAD_MS_DEFAULT);
    jobs.move(job, "poison", { losses, error: poisonError(job.id, losses, error), end });
  } else {
    jobs.move(job, "loseLease", { losses, error });
  }
  return isPoison;
}

function settleJob(
  jobs: JobTable,
  { job, token, outcome }: Settlement & { readonly job: MemoryJob },
  wallNow: EpochMs,
): void {
  const attempt = job.attempt + 1;
  switch (outcome.event) {
    case "succeed": {
      const { result, error, keepMs } = outcome;
      jobs.move(job, "succeed", { attempt, result, error, end: endOf(wallNow, keepMs) });
      break;
    }
    case "failForGood":
    case "cancel": {
      const { event, error, keepMs } = outcome;
      jobs.move(job, event, { attempt, error, end: endOf(wallNow, keepMs) });
      break;
    }
    case "failForRetry":
      jobs.move(job, "failForRetry", { attempt, error: outcome.error, runAt: outcome.runAt });
      break;
    case "handBack":
      jobs.move(job, "handBack", {});
      break;
    case "loseLease":
      loseLease(jobs, { job, error: outcome.error }, wallNow);
      break;
  }
  jobs.noteSettlement(job, token, outcome.event);
}

function isRepeat(jobs: JobTable, { id, token, outcome }: Settlement): boolean {
  const job = jobs.get(id);
  return job?.settledToken === token && job.settledEvent === outcome.event;
}
