import { STATE_FACTS } from "../../core/job-state.ts";
import type { JobNumber, JobRecord } from "../../core/job.ts";
import { WAIT_CHAIN_MAX } from "../../core/limits.ts";
import type { AwaitAnswer, AwaitRequest, WaitStep } from "../store.ts";
import { getJobs } from "./read-jobs.ts";
import type { Transaction } from "./transaction.ts";

const WAITER = `SELECT tasks.name AS task FROM jobs JOIN tasks ON tasks.id = jobs.task
WHERE jobs.id = ? AND token = ? AND state = 2`;
/** A wait ends with the attempt that waits: one of an older token says nothing. */
const STEP = `SELECT tasks.name AS task, CASE WHEN state = 2 AND awaits_token = token THEN awaits END AS awaits
FROM jobs JOIN tasks ON tasks.id = jobs.task WHERE jobs.id = ?`;
const NOTE = "UPDATE jobs SET awaits = ?, awaits_token = token WHERE id = ?";

/** Notes what an attempt waits for, unless it would wait for itself by way of others. */
export function awaitJob(tx: Transaction, { lease, awaited }: AwaitRequest): AwaitAnswer {
  const waiter = tx.connection.prepare(WAITER).get(lease.id, lease.token);
  if (waiter === undefined) return { kind: "lost" };
  const [record] = awaited === null ? [] : getJobs(tx.connection, [awaited]);
  if (awaited !== null && record === undefined) return { kind: "unknown" };
  if (record !== undefined) {
    const first = { id: lease.id, task: String(waiter["task"]) };
    const circle = circleFrom(tx, first, record);
    if (circle !== undefined) return { kind: "circle", steps: circle };
  }
  const isOver = record === undefined || STATE_FACTS[record.state].settled;
  tx.connection.prepare(NOTE).run(isOver ? null : record.id, lease.id);
  return { kind: "noted", record: record ?? null };
}

function circleFrom(tx: Transaction, first: WaitStep, { id }: JobRecord): WaitStep[] | undefined {
  const steps = [first];
  let next: JobNumber | undefined = id;
  while (next !== undefined && steps.length <= WAIT_CHAIN_MAX) {
    if (next === first.id) return steps;
    const row = tx.connection.prepare(STEP).get(next);
    steps.push({ id: next, task: String(row?.["task"]) });
    const awaits: unknown = row?.["awaits"];
    next = typeof awaits === "number" ? awaits : undefined;
  }
  return undefined;
}
