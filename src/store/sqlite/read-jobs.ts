import { toErrorRecord } from "../../core/error-record.ts";
import { UnjamError } from "../../core/errors.ts";
import type { JobNumber, JobRecord } from "../../core/job.ts";
import { formatJobId } from "../../core/job-id.ts";
import { JOB_STATES, type JobState } from "../../core/job-state.ts";
import { QUEUE_CAPACITY_DEFAULT } from "../../core/limits.ts";
import type { ListQuery, Owner, QueueRecord } from "../store.ts";
import type { Connection } from "./connection.ts";
import { ROW_FORMAT, STATE_NUMBERS, SUSPECT_PRIORITY } from "./schema.ts";

type Row = Readonly<Record<string, unknown>>;

const SELECT = `SELECT jobs.*, queues.name AS queue_name, tasks.name AS task_name
FROM jobs JOIN queues ON queues.id = jobs.queue JOIN tasks ON tasks.id = jobs.task`;

export function getJobs(connection: Connection, ids: readonly (JobNumber | string)[]): JobRecord[] {
  return ids.flatMap((id) => {
    const column = typeof id === "number" ? "id" : "caller_id";
    const row = connection.prepare(`${SELECT} WHERE jobs.${column} = ?`).get(id);
    return row === undefined ? [] : [jobOf(row)];
  });
}

/**
 * Jobs by number. A filter walks the primary key, which is bounded by nothing but the table, so
 * a rare state is looked up by its own partial index first.
 */
export function listJobs(connection: Connection, query: ListQuery): JobRecord[] {
  const states = query.states ?? JOB_STATES;
  const queue = query.queue === null ? null : queueNumber(connection, query.queue);
  if (queue === undefined) return [];
  const after = query.after ?? 0;
  const ids = new Set<number>();
  for (const state of states) {
    for (const id of idsIn(connection, state, { queue, after, limit: query.limit })) ids.add(id);
  }
  return getJobs(connection, [...ids].toSorted((a, b) => a - b).slice(0, query.limit));
}

interface Range {
  readonly queue: number | null;
  readonly after: number;
  readonly limit: number;
}

function idsIn(connection: Connection, state: JobState, { queue, after, limit }: Range): number[] {
  // The state is written out, not bound: a partial index is only used for a constant.
  const inQueue = queue === null ? "" : "AND queue = ?";
  const sql = `SELECT id FROM jobs WHERE state = ${STATE_NUMBERS[state]} AND id > ? ${inQueue} ORDER BY id LIMIT ?`;
  const values = queue === null ? [after, limit] : [after, queue, limit];
  return connection
    .prepare(sql)
    .all(...values)
    .map((row) => Number(row["id"]));
}

function queueNumber(connection: Connection, name: string): number | undefined {
  const id = connection.prepare("SELECT id FROM queues WHERE name = ?").get(name)?.["id"];
  return typeof id === "number" ? id : undefined;
}

export function listQueues(connection: Connection): QueueRecord[] {
  return connection
    .prepare("SELECT * FROM queues ORDER BY name")
    .all()
    .map((row) => ({
      name: String(row["name"]),
      capacity: numberOrNull(row, "capacity") ?? QUEUE_CAPACITY_DEFAULT,
      paused: row["paused"] === 1,
      counts: countsOf(row),
      retryingCount: Number(row["retrying"]),
      doneTotal: Number(row["done_total"]),
      failedTotal: Number(row["failed_total"]),
    }));
}

function countsOf(row: Row): Record<JobState, number> {
  return {
    scheduled: Number(row["scheduled"]),
    ready: Number(row["ready"]),
    leased: Number(row["leased"]),
    done: Number(row["done"]),
    dead: Number(row["dead"]),
    cancelled: Number(row["cancelled"]),
    expired: Number(row["expired"]),
    dropped: Number(row["dropped"]),
  };
}

export function listOwners(connection: Connection, limit: number): Owner[] {
  return connection
    .prepare("SELECT * FROM owners ORDER BY left_at IS NOT NULL, id DESC LIMIT ?")
    .all(limit)
    .map((row) => ({
      id: Number(row["id"]),
      pid: Number(row["pid"]),
      processStart: textOrNull(row, "process_start"),
      machine: String(row["machine"]),
      label: String(row["label"]),
      queues: namesIn(String(row["queues"])),
      joinedAt: Number(row["joined_at"]),
      beatAt: Number(row["beat_at"]),
      leftAt: numberOrNull(row, "left_at"),
      reason: textOrNull(row, "reason"),
    }));
}

function namesIn(json: string): string[] {
  const value: unknown = JSON.parse(json);
  return Array.isArray(value) ? value.map(String) : [];
}

function jobOf(row: Row): JobRecord {
  return {
    id: Number(row["id"]),
    queue: String(row["queue_name"]),
    task: String(row["task_name"]),
    state: JOB_STATES.find((name) => STATE_NUMBERS[name] === row["state"]) ?? "dead",
    priority: Number(row["priority"]) % SUSPECT_PRIORITY,
    payload: String(row["payload"]),
    runAt: numberOrNull(row, "run_at"),
    expireAt: numberOrNull(row, "expire_at"),
    key: textOrNull(row, "key"),
    callerId: textOrNull(row, "caller_id"),
    extra: textOrNull(row, "extra"),
    attempt: Number(row["attempt"]),
    losses: Number(row["losses"]),
    token: Number(row["token"]),
    owner: numberOrNull(row, "owner"),
    leaseUntil: numberOrNull(row, "lease_until"),
    createdAt: Number(row["created_at"]),
    claimedAt: numberOrNull(row, "claimed_at"),
    settledAt: numberOrNull(row, "settled_at"),
    ...endOf(row),
    progress: numberOrNull(row, "progress"),
    note: textOrNull(row, "note"),
    awaits: awaitedBy(row),
  };
}

/** How the job ended. In a format that is not known here it is an error that says so. */
function endOf(row: Row): Pick<JobRecord, "result" | "error"> {
  const needed = Number(row["format"]);
  const [result, error] = [textOrNull(row, "result"), textOrNull(row, "error")];
  if (needed <= ROW_FORMAT || (result === null && error === null)) return { result, error };
  const file = `job ${formatJobId(Number(row["id"]))}`;
  const newer = new UnjamError("UNJAM_SCHEMA_NEWER", { file, needed, known: ROW_FORMAT });
  return { result: null, error: JSON.stringify(toErrorRecord(newer)) };
}

/** A wait ends with the attempt that waits: one of an older token says nothing. */
function awaitedBy(row: Row): JobNumber | null {
  const isCurrent = row["state"] === STATE_NUMBERS.leased && row["awaits_token"] === row["token"];
  return isCurrent ? numberOrNull(row, "awaits") : null;
}

function numberOrNull(row: Row, column: string): number | null {
  const value = row[column];
  return typeof value === "number" ? value : null;
}

function textOrNull(row: Row, column: string): string | null {
  const value = row[column];
  return typeof value === "string" ? value : null;
}
