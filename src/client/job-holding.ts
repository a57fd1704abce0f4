import type { EpochMs, MonotonicMs } from "../core/clock.ts";
import { isSuspect } from "../core/job.ts";
import { formatJobId } from "../core/job-id.ts";
import { CONSUMER_GONE_MS } from "../core/limits.ts";
import type { RunsOn } from "../core/task.ts";
import type { AwaitedJob } from "../runtime/wait-facts.ts";
import type { Owner, QueueRecord } from "../store/store.ts";

/** Consumers that a sentence names; the rest is counted. */
const CONSUMERS_NAMED_MAX = 3;

/** What is known of those who could hold a job, at one moment. */
export interface Holders {
  readonly queues: readonly QueueRecord[];
  readonly owners: readonly Owner[];
  readonly now: MonotonicMs;
  readonly wallNow: EpochMs;
  /** Where a task's handlers run, as far as it is known here. */
  readonly runsOf: (task: string) => RunsOn | undefined;
}

/** The label of the process that holds the job; `null` while nobody does. */
export function holderOf(
  { state, owner }: Pick<AwaitedJob, "state" | "owner">,
  owners: readonly Owner[],
): string | null {
  if (state !== "leased") return null;
  return owners.find(({ id }) => id === owner)?.label ?? `owner ${owner}`;
}

/** Where its handler runs. */
export function laneOf(job: AwaitedJob, { runsOf }: Pick<Holders, "runsOf">): string | null {
  if (job.state !== "leased") return null;
  return isSuspect(job) ? "alone in a process" : (runsOf(job.task) ?? null);
}

/** Who has the job, since when and how far it is; or why nobody has it. */
export function jobHeldBy(job: AwaitedJob, holders: Holders): string {
  if (job.state === "leased") return `${attemptOf(job, holders)}${whereItIs(job)}`;
  const why = whyUnheld(job, holders);
  return why === null ? `nobody: it is ${job.state}` : `nobody: it waits for ${why}`;
}

/** What a job waits for that nobody runs, or its attempt; `null` when that is not known. */
export function jobWaitsFor(job: AwaitedJob, holders: Holders): string | null {
  if (job.state === "leased") return job.awaits === null ? null : awaitedName(job.awaits);
  return whyUnheld(job, holders);
}

/** Who takes jobs from a queue, and how many there are. */
export function queueHeldBy(name: string, { queues, owners, now }: Holders): string {
  const labels = owners.filter((owner) => isConsumer(owner, name, now)).map(({ label }) => label);
  const counts = queues.find((queue) => queue.name === name);
  const jobs =
    counts === undefined
      ? "no jobs"
      : `${counts.counts.ready + counts.counts.scheduled} waiting (capacity ${counts.capacity}), ${counts.counts.leased} running`;
  if (counts?.paused === true) return `queue "${name}" is paused; ${jobs}`;
  if (labels.length === 0) return `queue "${name}" has no live consumer; ${jobs}`;
  const more = labels.length - CONSUMERS_NAMED_MAX;
  const named = labels.slice(0, CONSUMERS_NAMED_MAX).join(", ");
  return `the consumers of queue "${name}": ${named}${more > 0 ? ` and ${more} more` : ""}; ${jobs}`;
}

function attemptOf(job: AwaitedJob, holders: Holders): string {
  const lane = laneOf(job, holders);
  const where = lane === null ? "" : lane.startsWith("alone") ? ` ${lane}` : ` on a ${lane}`;
  const since =
    job.claimedAt === null ? "" : ` for ${Math.max(0, holders.wallNow - job.claimedAt)} ms`;
  return `attempt ${job.attempt + 1}${where} of ${holderOf(job, holders.owners) ?? "nobody"}${since}`;
}

function whereItIs({ note, progress, awaits }: AwaitedJob): string {
  const parts: string[] = [];
  if (note !== null) parts.push(`at "${note}"`);
  if (progress !== null) parts.push(`${Math.round(progress * 100)} % done`);
  if (awaits !== null) parts.push(`waiting for ${awaitedName(awaits)}`);
  return parts.length === 0 ? "" : `, ${parts.join(", ")}`;
}

function awaitedName(id: number): string {
  return `job ${formatJobId(id)}`;
}

function whyUnheld({ state, queue, attempt, runAt }: AwaitedJob, holders: Holders): string | null {
  if (state === "ready") return `a slot; ${queueHeldBy(queue, holders)}`;
  if (state !== "scheduled" || runAt === null) return null;
  const at = new Date(runAt).toISOString();
  return attempt > 0 ? `its attempt ${attempt + 1} at ${at}` : `its time, ${at}`;
}

function isConsumer({ leftAt, beatAt, queues }: Owner, queue: string, now: MonotonicMs): boolean {
  return leftAt === null && now - beatAt < CONSUMER_GONE_MS && queues.includes(queue);
}
