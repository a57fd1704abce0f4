import type { ClaimedJob, JobNumber, Lease } from "../../core/job.ts";
import { LEASE_MS } from "../../core/limits.ts";
import type { NumberMap } from "../../core/number-map.ts";
import type { ClaimSlot, ReadySlot, Renewal } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { Offer } from "./handover.ts";
import { ROW_FORMAT, SUSPECT_PRIORITY } from "./schema.ts";
import type { Transaction } from "./transaction.ts";

const LEASE =
  "SET state = 2, token = token + 1, owner = ?, lease_until = ?, claimed_at = ?, progress = NULL, note = NULL";
const ANSWER = "RETURNING id, token, attempt, losses, payload, extra, task, priority, place";
/** Which jobs a slot wants, as a range of the index. */
const WANTED = {
  all: "",
  without: `AND priority < ${SUSPECT_PRIORITY}`,
  only: `AND priority >= ${SUSPECT_PRIORITY}`,
} as const;
type Wanted = keyof typeof WANTED;
const fromReady = (wanted: Wanted): string =>
  `FROM jobs WHERE state = 1 AND queue = ? AND task = ? AND format = ${ROW_FORMAT} ${WANTED[wanted]} ORDER BY priority, place LIMIT ?`;
const claimOneTask = (wanted: Wanted): string =>
  `UPDATE jobs ${LEASE} WHERE id IN (SELECT id ${fromReady(wanted)}) ${ANSWER}`;
const CLAIM_ONE_TASK: Readonly<Record<Wanted, string>> = {
  all: claimOneTask("all"),
  without: claimOneTask("without"),
  only: claimOneTask("only"),
};
const HEADS: Readonly<Record<Wanted, string>> = {
  all: `SELECT id, priority, place ${fromReady("all")}`,
  without: `SELECT id, priority, place ${fromReady("without")}`,
  only: `SELECT id, priority, place ${fromReady("only")}`,
};
const countReady = (wanted: Wanted): string => `SELECT count(*) FROM (SELECT 1 FROM jobs
WHERE state = 1 AND queue = (SELECT id FROM queues WHERE name = ? AND paused = 0)
AND task = (SELECT id FROM tasks WHERE name = ?) AND format = ${ROW_FORMAT} ${WANTED[wanted]} LIMIT ?)`;
const COUNT_READY: Readonly<Record<Wanted, string>> = {
  all: countReady("all"),
  without: countReady("without"),
  only: countReady("only"),
};
/** Those that are ready among jobs that are wanted by name. */
const READY_AMONG = `SELECT id FROM jobs WHERE id IN (SELECT value FROM json_each(?)) AND state = 1 AND queue = ?
AND format = ${ROW_FORMAT} AND task IN (SELECT value FROM json_each(?))`;
const CLAIM_IDS = `UPDATE jobs ${LEASE} WHERE id IN (SELECT value FROM json_each(?)) ${ANSWER}`;

/** Rows by column position: objects would cost more than the claim itself. */
type Row = readonly [
  id: number,
  token: number,
  attempt: number,
  losses: number,
  payload: string,
  extra: string | null,
  task: number,
  priority: number,
  place: number,
];

/** Remembers which queue a leased job belongs to, so that settling it needs no lookup. */
export type LeasedQueues = NumberMap<number>;

/** Collects what was handed over to the claim's slots, and takes ready jobs for what room is left. */
export function claimJobs(
  tx: Transaction,
  offers: readonly Offer[],
  leased: LeasedQueues,
): ClaimedJob[] {
  const claimed: ClaimedJob[] = [];
  for (const { slot, owner, jobs: handed } of offers) {
    const queue = tx.existingQueueId(slot.queue);
    if (queue === undefined || slot.limit <= 0 || tx.isPaused(queue)) continue;
    for (const { id } of handed) leased.set(id, queue);
    claimed.push(...handed);
    // It was given what was added, and nothing else waits. Without this proof the rows are asked:
    // a claim must find a job even where a counter is wrong.
    if (handed.length > 0 && tx.readyCount(queue) === 0) continue;
    const tasks = knownTasks(tx, slot);
    const limit = slot.limit - handed.length;
    const wanted = { range: slot.suspects ?? "all", ids: slot.ids } as const;
    const rows =
      tasks.size === 0 || limit <= 0 ? [] : claimRows(tx, { queue, tasks, limit, owner, wanted });
    for (const [id, token, attempt, losses, payload, extra, task] of rows) {
      const name = tasks.get(task) ?? "";
      claimed.push({ id, token, queue: slot.queue, task: name, payload, attempt, losses, extra });
      leased.set(id, queue);
    }
    tx.count(queue, "ready", -rows.length);
    tx.count(queue, "leased", rows.length);
  }
  return claimed;
}

/** How many jobs a claim would take for these slots. */
export function countClaimable(connection: Connection, slots: readonly ReadySlot[]): number {
  let count = 0;
  for (const { queue, tasks, limit, suspects } of slots) {
    const sql = COUNT_READY[suspects ?? "all"];
    let left = limit;
    for (const task of new Set(tasks)) left -= connection.number(sql, queue, task, left);
    count += limit - left;
  }
  return count;
}

function knownTasks(tx: Transaction, slot: ClaimSlot): ReadonlyMap<number, string> {
  const tasks = new Map<number, string>();
  for (const name of slot.tasks) {
    const id = tx.existingTaskId(name);
    if (id !== undefined) tasks.set(id, name);
  }
  return tasks;
}

interface SlotClaim {
  readonly queue: number;
  readonly tasks: ReadonlyMap<number, string>;
  readonly limit: number;
  readonly owner: number;
  readonly wanted: { readonly range: Wanted; readonly ids: readonly JobNumber[] | undefined };
}

function claimRows(
  tx: Transaction,
  { queue, tasks, limit, owner, wanted }: SlotClaim,
): readonly Row[] {
  const lease = [owner, Math.round(tx.now) + LEASE_MS, tx.wallNow] as const;
  const { range, ids: named } = wanted;
  if (named !== undefined) {
    const sql = `${READY_AMONG} ${WANTED[range]} ORDER BY priority, place LIMIT ?`;
    const among = [JSON.stringify(named), queue, JSON.stringify([...tasks.keys()]), limit] as const;
    const ids = tx.connection.prepare(sql).all(...among);
    if (ids.length === 0) return [];
    return rowsOf(tx, CLAIM_IDS, [...lease, JSON.stringify(ids.map((row) => row["id"]))]);
  }
  if (tasks.size === 1) {
    const [task = 0] = tasks.keys();
    return rowsOf(tx, CLAIM_ONE_TASK[range], [...lease, queue, task, limit]);
  }
  const heads: { readonly id: number; readonly priority: number; readonly place: number }[] = [];
  for (const task of tasks.keys()) {
    // A sorted index scan per task; one query over all would sort every ready job of the queue.
    for (const row of tx.connection.prepare(HEADS[range]).iterate(queue, task, limit)) {
      heads.push({
        id: Number(row["id"]),
        priority: Number(row["priority"]),
        place: Number(row["place"]),
      });
    }
  }
  if (heads.length === 0) return [];
  const first = heads.toSorted((a, b) => a.priority - b.priority || a.place - b.place);
  const ids = JSON.stringify(first.slice(0, limit).map(({ id }) => id));
  return rowsOf(tx, CLAIM_IDS, [...lease, ids]);
}

function rowsOf(
  tx: Transaction,
  sql: string,
  values: readonly (number | string)[],
): readonly Row[] {
  const statement = tx.connection.prepare(sql);
  statement.setReturnArrays(true);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the column list of ANSWER, in its order.
  const rows = statement.all(...values) as unknown as Row[];
  // UPDATE … RETURNING gives rows in the order of the table, not of the inner ORDER BY.
  return rows.toSorted((a, b) => a[7] - b[7] || a[8] - b[8]);
}

const RENEW = "UPDATE jobs SET lease_until = ? WHERE id = ? AND token = ? AND state = 2";
const RENEW_PROGRESS = `UPDATE jobs SET lease_until = ?, progress = coalesce(?, progress), note = coalesce(?, note)
WHERE id = ? AND token = ? AND state = 2`;

/** Answers the leases that are no longer held. */
export function renewLeases(tx: Transaction, renewals: readonly Renewal[]): Lease[] {
  const lost: Lease[] = [];
  for (const { id, token, leaseUntil, progress, note } of renewals) {
    const until = Math.round(leaseUntil);
    const { changes } =
      progress === null && note === null
        ? tx.connection.prepare(RENEW).run(until, id, token)
        : tx.connection.prepare(RENEW_PROGRESS).run(until, progress, note, id, token);
    if (changes !== 1) lost.push({ id, token });
  }
  return lost;
}
