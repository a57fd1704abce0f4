import type { JobNumber, Lease } from "../../core/job.ts";
import { KEEP_DEAD_MS_DEFAULT, LOSSES_MAX } from "../../core/limits.ts";
import type { WakeAnswer, WakeRequest } from "../store.ts";
import type { LeasedQueues } from "./claim-jobs.ts";
import { pruneAt } from "./settle-jobs.ts";
import type { Transaction } from "./transaction.ts";

const COME_DUE = `UPDATE jobs SET state = 1 WHERE id IN (
  SELECT id FROM jobs WHERE state = 0 AND run_at <= ? ORDER BY run_at LIMIT ?) RETURNING queue, attempt`;
const EXPIRING =
  "SELECT id, queue, state, attempt FROM jobs WHERE expire_at <= ? AND expire_at IS NOT NULL AND state < 2 LIMIT ?";
const EXPIRE = "UPDATE jobs SET state = 6, settled_at = ?, prune_at = ? WHERE id = ?";
const LAPSED =
  "SELECT id, token, queue, losses FROM jobs WHERE state = 2 AND lease_until <= ? LIMIT ?";
const HELD_BY = "SELECT id, token, queue, losses FROM jobs WHERE state = 2 AND owner = ? LIMIT ?";
const LOSE =
  "UPDATE jobs SET state = 1, losses = losses + 1, lease_until = NULL, owner = NULL, error = ? WHERE id = ?";
const POISON =
  "UPDATE jobs SET state = 4, losses = losses + 1, lease_until = NULL, settled_at = ?, prune_at = ?, error = ? WHERE id = ?";
const NEXT_DUE = "SELECT run_at FROM jobs WHERE state = 0 ORDER BY run_at LIMIT 1";
const HASTEN = "UPDATE jobs SET run_at = ? WHERE id = ? AND state = 0 AND run_at > ?";

/** Does what time did to the jobs; `limit` bounds each kind, so that no transaction grows long. */
export function wakeJobs(tx: Transaction, request: WakeRequest, leased: LeasedQueues): WakeAnswer {
  const readyCount = comeDue(tx, request.limit);
  const expired = expire(tx, request.limit);
  const losses = loseLapsed(tx, request, leased);
  const next = tx.connection.prepare(NEXT_DUE).get()?.["run_at"];
  return {
    readyCount: readyCount + losses.lost.length - losses.poisoned.length,
    settled: [...expired, ...losses.poisoned],
    lost: losses.lost,
    more: Math.max(readyCount, expired.length, losses.lost.length) >= request.limit,
    nextDueAt: typeof next === "number" ? next : null,
  };
}

function comeDue(tx: Transaction, limit: number): number {
  const rows = tx.connection.prepare(COME_DUE).all(tx.wallNow, limit);
  for (const row of rows) {
    const queue = Number(row["queue"]);
    tx.move(queue, "scheduled", "ready");
    if (Number(row["attempt"]) > 0) tx.count(queue, "retrying", -1);
  }
  return rows.length;
}

function expire(tx: Transaction, limit: number): JobNumber[] {
  const rows = tx.connection.prepare(EXPIRING).all(tx.wallNow, limit);
  return rows.map((row) => {
    const id = Number(row["id"]);
    const queue = Number(row["queue"]);
    const from = row["state"] === 0 ? "scheduled" : "ready";
    tx.connection.prepare(EXPIRE).run(tx.wallNow, pruneAt(tx, KEEP_DEAD_MS_DEFAULT), id);
    tx.move(queue, from, "expired");
    tx.count(queue, "failed_total", 1);
    if (from === "scheduled" && Number(row["attempt"]) > 0) tx.count(queue, "retrying", -1);
    return id;
  });
}

interface Losses {
  readonly lost: Lease[];
  readonly poisoned: JobNumber[];
}

function loseLapsed(
  tx: Transaction,
  { limit, deadOwners }: WakeRequest,
  leased: LeasedQueues,
): Losses {
  const losses: Losses = { lost: [], poisoned: [] };
  for (const { id, reason } of deadOwners) {
    const rows = tx.connection.prepare(HELD_BY).all(id, limit);
    for (const row of rows) loseOne(tx, { row, reason, leased, losses });
    // Only once nothing is left to take from it: the next wake goes on where this one stopped.
    if (rows.length < limit) {
      tx.connection
        .prepare("UPDATE owners SET left_at = ?, reason = ? WHERE id = ? AND left_at IS NULL")
        .run(tx.wallNow, reason, id);
    }
  }
  const room = Math.max(0, limit - losses.lost.length);
  for (const row of tx.connection.prepare(LAPSED).all(Math.floor(tx.now), room)) {
    loseOne(tx, { row, reason: "its lease ran out", leased, losses });
  }
  return losses;
}

interface Loss {
  readonly row: Readonly<Record<string, unknown>>;
  readonly reason: string;
  readonly leased: LeasedQueues;
  readonly losses: Losses;
}

function loseOne(tx: Transaction, { row, reason, leased, losses }: Loss): void {
  const id = Number(row["id"]);
  const queue = Number(row["queue"]);
  const error = (message: string): string => JSON.stringify({ name: "LeaseLost", message });
  losses.lost.push({ id, token: Number(row["token"]) });
  leased.delete(id);
  if (Number(row["losses"]) < LOSSES_MAX) {
    tx.connection.prepare(LOSE).run(error(reason), id);
    tx.move(queue, "leased", "ready");
    return;
  }
  const message = `it was lost with its owner ${LOSSES_MAX + 1} times; last: ${reason}`;
  tx.connection
    .prepare(POISON)
    .run(tx.wallNow, pruneAt(tx, KEEP_DEAD_MS_DEFAULT), error(message), id);
  tx.move(queue, "leased", "dead");
  tx.count(queue, "failed_total", 1);
  losses.poisoned.push(id);
}

/** Lets scheduled jobs start no later than `runAt`. */
export function hastenJobs(tx: Transaction, ids: readonly JobNumber[], runAt: number): void {
  for (const id of ids) tx.connection.prepare(HASTEN).run(runAt, id, runAt);
}
