import { nextState } from "../../core/job-state.ts";
import type { JobNumber, Lease, Outcome, Settlement } from "../../core/job.ts";
import { DEDUPE_MS, KEEP_DEAD_MS_DEFAULT, LOSSES_MAX, SUSPECT_LOSSES } from "../../core/limits.ts";
import { poisonError } from "../../core/lost-lease-error.ts";
import type { LeasedQueues } from "./claim-jobs.ts";
import { STATE_NUMBERS, SUSPECT_PRIORITY } from "./schema.ts";
import type { Transaction } from "./transaction.ts";

/**
 * What ended a lease, as stored in `settled_by` (token * 16 + this): a settlement that is repeated
 * after a lost answer is recognised by it, whatever has happened to the job since.
 */
const SETTLED_BY: Readonly<Record<Outcome["event"], number>> = {
  succeed: 0,
  failForGood: 1,
  cancel: 2,
  failForRetry: 3,
  handBack: 4,
  loseLease: 5,
};

const END = "lease_until = NULL, owner = NULL, settled_by = token * 16 +";
const HELD = "WHERE id = ? AND token = ? AND state = 2";
const SUCCEED = `UPDATE jobs SET state = 3, attempt = attempt + 1, ${END} ${SETTLED_BY.succeed},
settled_at = ?, prune_at = ?, result = ?, error = ? ${HELD}`;
const SETTLE = `UPDATE jobs SET state = ?, attempt = attempt + 1, ${END} ?,
settled_at = ?, prune_at = ?, error = ? ${HELD}`;
const RETRY = `UPDATE jobs SET state = 0, attempt = attempt + 1, ${END} ${SETTLED_BY.failForRetry},
run_at = ?, error = ? ${HELD}`;
const HAND_BACK = `UPDATE jobs SET state = 1, ${END} ${SETTLED_BY.handBack} ${HELD}`;
/** A lease that was taken from its owner is not settled: what was settled last stays as it is. */
const END_BY_LOSS = `lease_until = NULL, owner = NULL,
settled_by = CASE WHEN ? THEN settled_by ELSE token * 16 + ${SETTLED_BY.loseLease} END`;
/** The loss that makes a suspect of it moves it to where suspects wait. */
const LOSE = `UPDATE jobs SET state = 1, losses = losses + 1, ${END_BY_LOSS}, error = ?,
priority = priority + CASE WHEN losses + 1 >= ${SUSPECT_LOSSES} AND priority < ${SUSPECT_PRIORITY}
  THEN ${SUSPECT_PRIORITY} ELSE 0 END ${HELD}`;
const POISON = `UPDATE jobs SET state = 4, losses = losses + 1, ${END_BY_LOSS},
settled_at = ?, prune_at = ?, error = ? ${HELD}`;
const LOSSES = "SELECT losses FROM jobs WHERE id = ?";
const LOOK = "SELECT settled_by, queue FROM jobs WHERE id = ?";

/** Ends attempts. A lease that is no longer held changes nothing and is answered. */
export function settleJobs(
  tx: Transaction,
  settlements: readonly Settlement[],
  leased: LeasedQueues,
): Lease[] {
  const lost: Lease[] = [];
  for (const { id, token, outcome } of settlements) {
    const queue = leased.get(id) ?? queueOf(tx, id);
    if (queue !== undefined && writeOutcome(tx, { id, token, queue }, outcome)) {
      if (outcome.event !== "loseLease") countOutcome(tx, queue, outcome);
    } else if (!isRepeat(tx, { id, token }, outcome.event)) {
      lost.push({ id, token });
    }
    leased.delete(id);
  }
  return lost;
}

function queueOf(tx: Transaction, id: JobNumber): number | undefined {
  const queue = tx.connection.prepare(LOOK).get(id)?.["queue"];
  return typeof queue === "number" ? queue : undefined;
}

/** A lease, and the queue of its job. */
export interface HeldJob extends Lease {
  readonly queue: number;
}

/** False when the lease is no longer held. */
function writeOutcome(tx: Transaction, held: HeldJob, outcome: Outcome): boolean {
  const { connection, wallNow } = tx;
  const { id, token } = held;
  const run = (sql: string, ...values: (number | string | null)[]): boolean =>
    connection.prepare(sql).run(...values, id, token).changes === 1;
  switch (outcome.event) {
    case "succeed":
      return run(SUCCEED, wallNow, pruneAt(tx, outcome.keepMs), outcome.result, outcome.error);
    case "failForGood":
    case "cancel": {
      const state = outcome.event === "cancel" ? STATE_NUMBERS.cancelled : STATE_NUMBERS.dead;
      const until = pruneAt(tx, outcome.keepMs);
      return run(SETTLE, state, SETTLED_BY[outcome.event], wallNow, until, outcome.error);
    }
    case "failForRetry":
      return run(RETRY, outcome.runAt, outcome.error);
    case "handBack":
      return run(HAND_BACK);
    case "loseLease":
      return loseLease(tx, held, { error: outcome.error, isTaken: false }) !== "stale";
  }
}

/**
 * Takes a lease whose owner died: one loss, and the job is ready again, or dead when it had
 * LOSSES_MAX. Counts the move, because only here is it known which it was.
 */
export function loseLease(
  tx: Transaction,
  { id, token, queue }: HeldJob,
  { error, isTaken }: { readonly error: string; readonly isTaken: boolean },
): "ready" | "poisoned" | "stale" {
  const taken = isTaken ? 1 : 0;
  const losses = tx.connection.number(LOSSES, id);
  const { changes } =
    losses < LOSSES_MAX
      ? tx.connection.prepare(LOSE).run(taken, error, id, token)
      : tx.connection
          .prepare(POISON)
          .run(
            taken,
            tx.wallNow,
            pruneAt(tx, KEEP_DEAD_MS_DEFAULT),
            poisonError(id, losses + 1, error),
            ...[id, token],
          );
  if (changes !== 1) return "stale";
  tx.move(queue, "leased", losses < LOSSES_MAX ? "ready" : "dead");
  if (losses < LOSSES_MAX) return "ready";
  tx.count(queue, "failed_total", 1);
  return "poisoned";
}

/** When a settled row may go: never before a late repeat of its enqueue could come. */
export function pruneAt(tx: Transaction, keepMs: number): number {
  return tx.wallNow + Math.max(keepMs, DEDUPE_MS);
}

function countOutcome(tx: Transaction, queue: number, { event }: Outcome): void {
  const to = nextState("leased", event);
  if (to === undefined) return;
  tx.move(queue, "leased", to);
  if (event === "succeed") tx.count(queue, "done_total", 1);
  if (event === "failForGood") tx.count(queue, "failed_total", 1);
  if (event === "failForRetry") tx.count(queue, "retrying", 1);
}

/** The same settlement once more, after a lost answer. */
function isRepeat(tx: Transaction, { id, token }: Lease, event: Outcome["event"]): boolean {
  const row = tx.connection.prepare(LOOK).get(id);
  return row?.["settled_by"] === token * 16 + SETTLED_BY[event];
}
