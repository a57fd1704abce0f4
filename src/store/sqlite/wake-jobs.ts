import type { EpochMs, MonotonicMs } from "../../core/clock.ts";
import type { JobNumber, Lease } from "../../core/job.ts";
import { KEEP_DEAD_MS_DEFAULT } from "../../core/limits.ts";
import { lostLeaseError } from "../../core/lost-lease-error.ts";
import type { WakeAnswer, WakeRequest } from "../store.ts";
import type { LeasedQueues } from "./claim-jobs.ts";
import type { Connection } from "./connection.ts";
import { loseLease, pruneAt } from "./settle-jobs.ts";
import type { Transaction } from "./transaction.ts";

const COME_DUE = `UPDATE jobs SET state = 1 WHERE id IN (
  SELECT id FROM jobs WHERE state = 0 AND run_at <= ? ORDER BY run_at LIMIT ?) RETURNING queue, attempt`;
const EXPIRING = `SELECT id, queue, state FROM jobs
WHERE expire_at <= ? AND expire_at IS NOT NULL AND state < 2 AND attempt = 0 LIMIT ?`;
const EXPIRE = "UPDATE jobs SET state = 6, settled_at = ?, prune_at = ? WHERE id = ?";
const LAPSED = "SELECT id, token, queue FROM jobs WHERE state = 2 AND lease_until <= ? LIMIT ?";
const HELD_BY = "SELECT id, token, queue FROM jobs WHERE state = 2 AND owner = ? LIMIT ?";
const GONE = "UPDATE owners SET left_at = ?, reason = ? WHERE id = ? AND left_at IS NULL";
const NEXT_DUE = "SELECT run_at FROM jobs WHERE state = 0 ORDER BY run_at LIMIT 1";
/** One seek each in the same indexes as above. */
const IS_DUE = `SELECT (EXISTS (SELECT 1 FROM jobs WHERE state = 0 AND run_at <= ?1)
OR EXISTS (SELECT 1 FROM jobs WHERE expire_at <= ?1 AND expire_at IS NOT NULL AND state < 2 AND attempt = 0)
OR EXISTS (SELECT 1 FROM jobs WHERE state = 2 AND lease_until <= ?2)) AS is_due, (${NEXT_DUE}) AS next_due`;
const HASTEN = "UPDATE jobs SET run_at = ? WHERE id = ? AND state = 0 AND run_at > ?";

/** What {@link wakeJobs} would answer where it has nothing to do, without a transaction; else `undefined`. */
export function nothingDue(
  connection: Connection,
  { now, wallNow }: { readonly now: MonotonicMs; readonly wallNow: EpochMs },
): WakeAnswer | undefined {
  const row = connection.prepare(IS_DUE).get(wallNow, Math.floor(now));
  if (row?.["is_due"] !== 0) return undefined;
  const next = row["next_due"];
  const nextDueAt = typeof next === "number" ? next : null;
  return { readyCount: 0, settled: [], lost: [], more: false, nextDueAt };
}

/** Does what time did to the jobs; `limit` bounds each kind, so that no transaction grows long. */
export function wakeJobs(tx: Transaction, request: WakeRequest, leased: LeasedQueues): WakeAnswer {
  // Expiry first: a job that is due and worthless at once must not be called ready.
  const expired = expire(tx, request.limit);
  const readyCount = comeDue(tx, request.limit);
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
    tx.connection.prepare(EXPIRE).run(tx.wallNow, pruneAt(tx, KEEP_DEAD_MS_DEFAULT), id);
    tx.move(queue, row["state"] === 0 ? "scheduled" : "ready", "expired");
    tx.count(queue, "failed_total", 1);
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
  const take = (rows: readonly Row[], reason: string): void => {
    for (const row of rows) loseOne(tx, { row, reason, losses });
    for (const { id } of losses.lost) leased.delete(id);
  };
  for (const { id, reason } of deadOwners) {
    const room = limit - losses.lost.length;
    const rows = room <= 0 ? [] : tx.connection.prepare(HELD_BY).all(id, room);
    take(rows, reason);
    // Only once nothing is left to take from it: the next wake goes on where this one stopped.
    if (rows.length < room) tx.connection.prepare(GONE).run(tx.wallNow, reason, id);
  }
  const room = Math.max(0, limit - losses.lost.length);
  take(tx.connection.prepare(LAPSED).all(Math.floor(tx.now), room), "its lease ran out");
  return losses;
}

type Row = Readonly<Record<string, unknown>>;

function loseOne(
  tx: Transaction,
  { row, reason, losses }: { readonly row: Row; readonly reason: string; readonly losses: Losses },
): void {
  const held = { id: Number(row["id"]), token: Number(row["token"]), queue: Number(row["queue"]) };
  const end = loseLease(tx, held, { error: lostLeaseError(held.id, reason), isTaken: true });
  losses.lost.push({ id: held.id, token: held.token });
  if (end === "poisoned") losses.poisoned.push(held.id);
}

/** Lets scheduled jobs start no later than `runAt`. */
export function hastenJobs(tx: Transaction, ids: readonly JobNumber[], runAt: number): void {
  for (const id of ids) tx.connection.prepare(HASTEN).run(runAt, id, runAt);
}
