import { JOB_STATES, nextState } from "../../core/job-state.ts";
import type { EpochMs } from "../../core/clock.ts";
import type { JobNumber } from "../../core/job.ts";
import type { LeasedQueues } from "./claim-jobs.ts";
import type { Connection } from "./connection.ts";
import { STATE_NUMBERS, SUSPECT_PRIORITY } from "./schema.ts";
import { pruneAt } from "./settle-jobs.ts";
import type { Transaction } from "./transaction.ts";

const LOOK = "SELECT queue, state, attempt FROM jobs WHERE id = ?";
const CANCEL =
  "UPDATE jobs SET state = 5, lease_until = NULL, owner = NULL, settled_at = ?, prune_at = ?, error = ? WHERE id = ?";
const REVIVE = `UPDATE OR IGNORE jobs SET state = 1, attempt = 0, losses = 0, priority = priority % ${SUSPECT_PRIORITY}, run_at = NULL, expire_at = NULL, owner = NULL,
settled_at = NULL, prune_at = NULL, error = NULL, result = NULL, progress = NULL, note = NULL WHERE id = ?`;

/** What an operator does: cancelling and reviving, by the table of states. */
export function cancelJobs(
  tx: Transaction,
  request: { readonly ids: readonly JobNumber[]; readonly keepMs: number; readonly error: string },
  leased: LeasedQueues,
): JobNumber[] {
  return request.ids.filter((id) => {
    const row = lookAt(tx, id);
    if (row === undefined || nextState(row.state, "cancel") === undefined) return false;
    tx.connection.prepare(CANCEL).run(tx.wallNow, pruneAt(tx, request.keepMs), request.error, id);
    tx.move(row.queue, row.state, "cancelled");
    if (row.state === "scheduled" && row.attempt > 0) tx.count(row.queue, "retrying", -1);
    leased.delete(id);
    return true;
  });
}

export function reviveJobs(tx: Transaction, ids: readonly JobNumber[]): JobNumber[] {
  return ids.filter((id) => {
    const row = lookAt(tx, id);
    if (row === undefined || nextState(row.state, "revive") === undefined) return false;
    // Ignored when another unfinished job has taken its key meanwhile.
    if (tx.connection.prepare(REVIVE).run(id).changes !== 1) return false;
    tx.move(row.queue, row.state, "ready");
    return true;
  });
}

function lookAt(
  tx: Transaction,
  id: JobNumber,
): { queue: number; state: (typeof JOB_STATES)[number]; attempt: number } | undefined {
  const row = tx.connection.prepare(LOOK).get(id);
  const state = JOB_STATES.find((name) => STATE_NUMBERS[name] === row?.["state"]);
  if (row === undefined || state === undefined) return undefined;
  return { queue: Number(row["queue"]), state, attempt: Number(row["attempt"]) };
}

const OVERDUE_DONE =
  "SELECT id FROM jobs WHERE state = 3 AND queue = ? AND prune_at <= ? ORDER BY prune_at LIMIT ?";
const OLDEST_DONE = "SELECT id FROM jobs WHERE state = 3 AND queue = ? ORDER BY prune_at LIMIT ?";
const DELETE_DONE = (which: string): string => `DELETE FROM jobs WHERE id IN (${which})`;
const OVERDUE_SETTLED = `DELETE FROM jobs WHERE id IN (
  SELECT id FROM jobs WHERE state > 3 AND prune_at <= ? LIMIT ?) RETURNING queue, state`;

const IS_PRUNABLE = `SELECT EXISTS (SELECT 1 FROM queues WHERE done > 0 AND (done > ?1
  OR EXISTS (SELECT 1 FROM jobs WHERE state = 3 AND queue = queues.id AND prune_at <= ?2)))
OR EXISTS (SELECT 1 FROM jobs WHERE state > 3 AND prune_at <= ?2)`;

/** Whether {@link pruneJobs} would find something, asked without a transaction. */
export function isPrunable(
  connection: Connection,
  doneCountMax: number,
  wallNow: EpochMs,
): boolean {
  return connection.number(IS_PRUNABLE, doneCountMax, wallNow) === 1;
}

/** Removes settled rows whose time is over, and done rows beyond the count per queue. */
export function pruneJobs(
  tx: Transaction,
  limits: { readonly limit: number; readonly doneCountMax: number },
): number {
  let left = limits.limit;
  for (const row of tx.connection.prepare("SELECT id, done FROM queues WHERE done > 0").all()) {
    if (left <= 0) break;
    const queue = Number(row["id"]);
    const overdue = tx.connection.prepare(DELETE_DONE(OVERDUE_DONE)).run(queue, tx.wallNow, left);
    const excess =
      Math.min(left, Number(row["done"]) - limits.doneCountMax) - Number(overdue.changes);
    const oldest =
      excess > 0
        ? tx.connection.prepare(DELETE_DONE(OLDEST_DONE)).run(queue, excess)
        : { changes: 0 };
    const removed = Number(overdue.changes) + Number(oldest.changes);
    tx.count(queue, "done", -removed);
    left -= removed;
  }
  if (left <= 0) return limits.limit;
  const settled = tx.connection.prepare(OVERDUE_SETTLED).all(tx.wallNow, left);
  for (const row of settled) {
    const state = JOB_STATES.find((name) => STATE_NUMBERS[name] === row["state"]);
    if (state !== undefined) tx.count(Number(row["queue"]), state, -1);
  }
  return limits.limit - left + settled.length;
}
