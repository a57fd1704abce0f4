import type { JobNumber } from "../../core/job.ts";
import { KEEP_DROPPED_MS } from "../../core/limits.ts";
import { pruneAt } from "./settle-jobs.ts";
import type { Transaction } from "./transaction.ts";

/**
 * The index of ready jobs sorts by task, format and priority first, so each of those lanes is asked for its
 * oldest: a seek each, and a queue has few. An index by age alone would cost every job two writes.
 */
const NEXT_LANE = `SELECT id, task, format, priority, place FROM jobs
WHERE state = 1 AND queue = ? AND (task, format, priority) > (?, ?, ?) ORDER BY task, format, priority, place LIMIT 1`;
const OLDEST_DELAYED =
  "SELECT id, place, attempt FROM jobs WHERE state = 0 AND queue = ? ORDER BY place LIMIT 1";
const DROP = "UPDATE jobs SET state = 7, settled_at = ?, prune_at = ? WHERE id = ?";

interface Victim {
  readonly id: JobNumber;
  readonly place: number;
  readonly state: "ready" | "scheduled";
  readonly isRetry: boolean;
}

/** Drops the jobs that came first among those that wait in the queue, and answers which. */
export function dropOldest(tx: Transaction, queue: number, count: number): JobNumber[] {
  const dropped: JobNumber[] = [];
  while (dropped.length < count) {
    const victim = older(oldestReady(tx, queue), oldestDelayed(tx, queue));
    if (victim === undefined) break;
    const { id, state, isRetry } = victim;
    tx.connection.prepare(DROP).run(tx.wallNow, pruneAt(tx, KEEP_DROPPED_MS), id);
    tx.move(queue, state, "dropped");
    tx.count(queue, "failed_total", 1);
    if (isRetry) tx.count(queue, "retrying", -1);
    dropped.push(id);
  }
  return dropped;
}

function older(a: Victim | undefined, b: Victim | undefined): Victim | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.place < b.place ? a : b;
}

function oldestReady(tx: Transaction, queue: number): Victim | undefined {
  const nextLane = tx.connection.prepare(NEXT_LANE);
  let oldest: Victim | undefined;
  let row = nextLane.get(queue, 0, 0, 0);
  while (row !== undefined) {
    const found = { id: Number(row["id"]), place: Number(row["place"]) };
    oldest = older(oldest, { ...found, state: "ready", isRetry: false });
    const lane = [Number(row["task"]), Number(row["format"]), Number(row["priority"])] as const;
    row = nextLane.get(queue, ...lane);
  }
  return oldest;
}

function oldestDelayed(tx: Transaction, queue: number): Victim | undefined {
  const row = tx.connection.prepare(OLDEST_DELAYED).get(queue);
  if (row === undefined) return undefined;
  const found = { id: Number(row["id"]), place: Number(row["place"]) };
  return { ...found, state: "scheduled", isRetry: Number(row["attempt"]) > 0 };
}
