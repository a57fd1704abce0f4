import { STATE_FACTS } from "../../core/job-state.ts";
import type { JobNumber } from "../../core/job.ts";
import { WAIT_CHAIN_MAX } from "../../core/limits.ts";
import type { AwaitAnswer, AwaitRequest, WaitStep } from "../store.ts";
import type { JobTable } from "./job-table.ts";
import { awaitedBy, type MemoryJob, recordOf } from "./memory-job.ts";

/** Notes what an attempt waits for, unless it would wait for itself by way of others. */
export function awaitJob(jobs: JobTable, { lease, awaited }: AwaitRequest): AwaitAnswer {
  const waiter = jobs.held(lease);
  if (waiter === undefined) return { kind: "lost" };
  if (awaited === null) {
    jobs.noteWait(waiter, null);
    return { kind: "noted", record: null };
  }
  const job = typeof awaited === "number" ? jobs.get(awaited) : jobs.byCallerId(awaited);
  if (job === undefined) return { kind: "unknown" };
  const circle = circleFrom(jobs, waiter, job.id);
  if (circle !== undefined) return { kind: "circle", steps: circle };
  jobs.noteWait(waiter, STATE_FACTS[job.state].settled ? null : job.id);
  return { kind: "noted", record: recordOf(job) };
}

function circleFrom(jobs: JobTable, waiter: MemoryJob, start: JobNumber): WaitStep[] | undefined {
  const steps: WaitStep[] = [{ id: waiter.id, task: waiter.shape.task }];
  let next: JobNumber | null = start;
  while (next !== null && steps.length <= WAIT_CHAIN_MAX) {
    if (next === waiter.id) return steps;
    const job = jobs.get(next);
    if (job === undefined) return undefined;
    steps.push({ id: job.id, task: job.shape.task });
    next = awaitedBy(job);
  }
  return undefined;
}
