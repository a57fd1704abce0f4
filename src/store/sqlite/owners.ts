/** Who uses the file: those who live, and those who went, as far as somebody may ask for them. */
import type { OwnerId } from "../../core/job.ts";
import type { NewOwner, Withdrawal } from "../store.ts";
import type { Transaction } from "./transaction.ts";

const JOIN = `INSERT INTO owners(pid, process_start, machine, label, queues, joined_at, beat_at)
VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`;
const BEAT = "UPDATE owners SET beat_at = ? WHERE id = ?";
const LEAVE = "UPDATE owners SET left_at = ?, reason = ? WHERE id = ? AND left_at IS NULL";
const QUEUES = "SELECT queues FROM owners WHERE id = ? AND left_at IS NULL";
const TAKE_QUEUES = "UPDATE owners SET queues = ? WHERE id = ?";
const NOTE_GONE = `INSERT INTO owners(pid, process_start, machine, label, queues, joined_at, beat_at, left_at, reason)
SELECT pid, process_start, machine, label, ?, ?, ?, ?, ? FROM owners WHERE id = ?`;
/**
 * The last hundred that went are kept, and of each queue the last consumer, whatever came and went
 * since: `UNJAM_NO_CONSUMER` names it.
 */
const FORGET = `DELETE FROM owners WHERE left_at IS NOT NULL
AND id NOT IN (SELECT id FROM owners WHERE left_at IS NOT NULL ORDER BY left_at DESC, id DESC LIMIT 100)
AND id NOT IN (SELECT last FROM (
  SELECT owners.id AS last, ROW_NUMBER() OVER (PARTITION BY json_each.value ORDER BY left_at DESC, owners.id DESC) AS age
  FROM owners, json_each(owners.queues) WHERE left_at IS NOT NULL) WHERE age = 1)`;

export function joinOwner(tx: Transaction, owner: NewOwner): OwnerId {
  const { pid, processStart, machine, label, queues } = owner;
  const joined = [JSON.stringify(queues), tx.wallNow, Math.round(tx.now)] as const;
  const row = tx.connection.prepare(JOIN).all(pid, processStart, machine, label, ...joined)[0];
  tx.connection.prepare(FORGET).run();
  return Number(row?.["id"]);
}

export function beatOwner({ connection, now }: Transaction, owner: OwnerId): void {
  connection.prepare(BEAT).run(Math.round(now), owner);
}

export function leaveOwner(tx: Transaction, owner: OwnerId, reason: string): void {
  tx.connection.prepare(LEAVE).run(tx.wallNow, reason, owner);
}

/** The owner loses these queues to a new one that left with them. */
export function withdrawOwner(tx: Transaction, owner: OwnerId, from: Withdrawal): void {
  const { connection, now, wallNow } = tx;
  const had = queuesOf(connection.prepare(QUEUES).get(owner)?.["queues"]);
  const gone = had.filter((queue) => from.queues.includes(queue));
  if (gone.length === 0) return;
  const left = had.filter((queue) => !from.queues.includes(queue));
  connection.prepare(TAKE_QUEUES).run(JSON.stringify(left), owner);
  const times = [wallNow, Math.round(now), wallNow] as const;
  connection.prepare(NOTE_GONE).run(JSON.stringify(gone), ...times, from.reason, owner);
}

function queuesOf(json: unknown): string[] {
  const value: unknown = typeof json === "string" ? JSON.parse(json) : [];
  return Array.isArray(value) ? value.map(String) : [];
}
