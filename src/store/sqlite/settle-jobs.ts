import { type JobEvent, nextState } from "../../core/job-state.ts";
import type { JobNumber, Lease, Outcome, Settlement } from "../../core/job.ts";
import { DEDUPE_MS } from "../../core/limits.ts";
import type { LeasedQueues } from "./claim-jobs.ts";
import { STATE_NUMBERS } from "./schema.ts";
import type { Transaction } from "./transaction.ts";

const HELD = "WHERE id = ? AND token = ? AND state = 2";
const SUCCEED = `UPDATE jobs SET state = 3, attempt = attempt + 1, lease_until = NULL,
settled_at = ?, prune_at = ?, result = ?, error = ? ${HELD}`;
const SETTLE = `UPDATE jobs SET state = ?, attempt = attempt + 1, lease_until = NULL,
settled_at = ?, prune_at = ?, error = ? ${HELD}`;
const RETRY = `UPDATE jobs SET state = 0, attempt = attempt + 1, lease_until = NULL, run_at = ?, error = ? ${HELD}`;
const HAND_BACK = `UPDATE jobs SET state = 1, lease_until = NULL, owner = NULL ${HELD}`;
const LOSE = `UPDATE jobs SET state = 1, losses = losses + 1, lease_until = NULL, owner = NULL, error = ? ${HELD}`;
const LOOK = "SELECT state, token, queue FROM jobs WHERE id = ?";

/** Ends attempts. A lease that is no longer held changes nothing and is answered. */
export function settleJobs(
  tx: Transaction,
  settlements: readonly Settlement[],
  leased: LeasedQueues,
): Lease[] {
  const lost: Lease[] = [];
  for (const { id, token, outcome } of settlements) {
    const queue = leased.get(id) ?? queueOf(tx, id);
    if (queue !== undefined && writeOutcome(tx, { id, token }, outcome)) {
      countOutcome(tx, queue, outcome);
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

function writeOutcome(tx: Transaction, { id, token }: Lease, outcome: Outcome): boolean {
  const { connection, wallNow } = tx;
  switch (outcome.event) {
    case "succeed":
      return (
        connection
          .prepare(SUCCEED)
          .run(wallNow, pruneAt(tx, outcome.keepMs), outcome.result, outcome.error, id, token)
          .changes === 1
      );
    case "failForGood":
    case "cancel": {
      const state = outcome.event === "cancel" ? STATE_NUMBERS.cancelled : STATE_NUMBERS.dead;
      const until = pruneAt(tx, outcome.keepMs);
      return (
        connection.prepare(SETTLE).run(state, wallNow, until, outcome.error, id, token).changes ===
        1
      );
    }
    case "failForRetry":
      return connection.prepare(RETRY).run(outcome.runAt, outcome.error, id, token).changes === 1;
    case "handBack":
      return connection.prepare(HAND_BACK).run(id, token).changes === 1;
    case "loseLease":
      return connection.prepare(LOSE).run(outcome.error, id, token).changes === 1;
  }
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

/** The same settlement once more, after a lost answer: the row already says what it wanted. */
function isRepeat(tx: Transaction, { id, token }: Lease, event: JobEvent): boolean {
  const row = tx.connection.prepare(LOOK).get(id);
  const wanted = nextState("leased", event);
  return (
    row !== undefined &&
    wanted !== undefined &&
    row["token"] === token &&
    row["state"] === STATE_NUMBERS[wanted]
  );
}
