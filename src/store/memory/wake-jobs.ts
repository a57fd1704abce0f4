import type { EpochMs, MonotonicMs } from "../../core/clock.ts";
import type { JobNumber, Lease } from "../../core/job.ts";
import { KEEP_DEAD_MS_DEFAULT } from "../../core/limits.ts";
import type { WakeAnswer, WakeRequest } from "../store.ts";
import type { JobTable } from "./job-table.ts";
import { lostLeaseError } from "../../core/lost-lease-error.ts";
import type { MemoryJob } from "./memory-job.ts";
import type { OwnerTable } from "./owner-table.ts";
import { endOf, loseLease } from "./settle-jobs.ts";

/** What waking needs to see of the store. */
export interface WakeScene {
  readonly jobs: JobTable;
  readonly owners: OwnerTable;
  readonly now: MonotonicMs;
  readonly wallNow: EpochMs;
}

/** Does what time did. Expiry comes first: a job that is over must not be called ready before. */
export function wakeJobs(scene: WakeScene, { limit, deadOwners }: WakeRequest): WakeAnswer {
  const expired = expire(scene, limit);
  const dueCount = comeDue(scene, limit);
  const losses: Losses = { lost: [], poisoned: [] };
  for (const dead of deadOwners) loseHeldBy(scene, { dead, limit, losses });
  loseLapsed(scene, limit, losses);
  return {
    readyCount: dueCount + losses.lost.length - losses.poisoned.length,
    settled: [...expired, ...losses.poisoned],
    lost: losses.lost,
    more: Math.max(expired.length, dueCount, losses.lost.length) >= limit,
    nextDueAt: scene.jobs.due.first()?.runAt ?? null,
  };
}

function expire({ jobs, wallNow }: WakeScene, limit: number): JobNumber[] {
  const expired: JobNumber[] = [];
  while (expired.length < limit) {
    const job = jobs.expiring.first();
    if (job === undefined || !isPast(job.expireAt, wallNow)) break;
    jobs.move(job, "expire", { end: endOf(wallNow, KEEP_DEAD_MS_DEFAULT) });
    expired.push(job.id);
  }
  return expired;
}

function comeDue({ jobs, wallNow }: WakeScene, limit: number): number {
  let dueCount = 0;
  while (dueCount < limit) {
    const job = jobs.due.first();
    if (job === undefined || !isPast(job.runAt, wallNow)) break;
    jobs.move(job, "comeDue", {});
    dueCount++;
  }
  return dueCount;
}

interface Losses {
  readonly lost: Lease[];
  readonly poisoned: JobNumber[];
}

interface DeadOwner {
  readonly dead: WakeRequest["deadOwners"][number];
  readonly limit: number;
  readonly losses: Losses;
}

function loseHeldBy(scene: WakeScene, { dead, limit, losses }: DeadOwner): void {
  const { id, reason } = dead;
  const room = Math.max(0, limit - losses.lost.length);
  for (const job of [...scene.jobs.heldBy(id)].slice(0, room))
    loseOne(scene, { job, reason }, losses);
  // Only once nothing is left to take from it, so that whoever looks for the dead finds it again.
  if (scene.jobs.heldBy(id).size === 0) scene.owners.leave(id, reason);
}

function loseLapsed(scene: WakeScene, limit: number, losses: Losses): void {
  while (losses.lost.length < limit) {
    const job = scene.jobs.leases.first();
    if (job === undefined || !isPast(job.leaseUntil, scene.now)) break;
    loseOne(scene, { job, reason: "its lease ran out" }, losses);
  }
}

function loseOne(
  { jobs, wallNow }: WakeScene,
  { job, reason }: { readonly job: MemoryJob; readonly reason: string },
  { lost, poisoned }: Losses,
): void {
  const { id, token } = job;
  if (loseLease(jobs, { job, error: lostLeaseError(id, reason) }, wallNow)) poisoned.push(id);
  lost.push({ id, token });
}

/** An instant is past as soon as it is now. */
function isPast(instant: number | null, now: number): boolean {
  return instant !== null && instant <= now;
}
