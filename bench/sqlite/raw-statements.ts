/**
 * The life of the common job as unjam's store writes it (src/store/sqlite/{add,claim,settle,
 * command}-jobs.ts, transaction.ts, commit-group.ts), without the code around it. `store-statements.ts`
 * proves that the two are alike: a limit that pays for more than the store does makes unjam look
 * good, and one that pays for less makes the gate unfair.
 */
export const INSERT = `INSERT OR IGNORE INTO jobs(id, queue, task, state, priority, place, created_at, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

/** A job that is added and claimed by one transaction. */
export const INSERT_LEASED = `INSERT OR IGNORE INTO jobs(id, queue, task, state, priority, place, token, owner, lease_until,
claimed_at, created_at, payload) VALUES (?, ?, ?, 2, 0, ?, 1, ?, ?, ?, ?, ?)`;

export const CLAIM = `UPDATE jobs SET state = 2, token = token + 1, owner = ?, lease_until = ?, claimed_at = ?, progress = NULL, note = NULL
WHERE id IN (SELECT id FROM jobs WHERE state = 1 AND queue = ? AND task = ? AND format = 1 ORDER BY priority, place LIMIT ?)
RETURNING id, token, attempt, losses, payload, extra, task, priority, place`;

export const SETTLE = `UPDATE jobs SET state = 3, attempt = attempt + 1, lease_until = NULL, owner = NULL, settled_by = token * 16 + 0,
settled_at = ?, prune_at = ?, result = ?, error = ? WHERE id = ? AND token = ? AND state = 2`;

export const PRUNE = `DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state = 3 AND queue = ? ORDER BY prune_at LIMIT ?)`;

export const COUNT = `UPDATE queues SET ready = ready + ?, leased = leased + ?, done = done + ?, done_total = done_total + ?, place = place + ? WHERE id = ?`;
export const COMMITS = "UPDATE owners SET commits = commits + 1, beat_at = ? WHERE id = ?";

/** Columns of a claimed row, read as an array like the store does. */
export type ClaimedRow = readonly [
  id: number,
  token: number,
  attempt: number,
  losses: number,
  payload: string,
];

/** One spelling per statement: line breaks and indents mean nothing to SQLite. */
export function normalized(statement: string): string {
  return statement.replaceAll(/\s+/g, " ").replaceAll("( ", "(").trim();
}
