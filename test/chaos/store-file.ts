import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { JOB_STATES, type JobState } from "../../src/core/job-state.ts";

/** A job as its row says. `n` is the number that the test's payloads carry. */
export interface JobRow {
  readonly id: number;
  readonly n: number;
  readonly task: string;
  readonly state: JobState;
  readonly token: number;
  readonly attempt: number;
  readonly losses: number;
  readonly batch: string | null;
  readonly batchSize: number | null;
}

const ROWS = `SELECT jobs.id AS id, state, token, attempt, losses, tasks.name AS task,
  payload ->> 'n' AS n, payload ->> 'batch' AS batch, payload ->> 'size' AS size
FROM jobs JOIN tasks ON tasks.id = jobs.task`;

/** Counters of one queue that differ from its rows, as text. */
const COUNTED = `SELECT name, state_name, counted, found FROM (
  SELECT queues.name AS name, column1 AS state_name,
    CASE column2 ${[
      "scheduled",
      "ready",
      "leased",
      "done",
      "dead",
      "cancelled",
      "expired",
      "dropped",
    ]
      .map((state, number) => `WHEN ${number} THEN ${state}`)
      .join(" ")} END AS counted,
    (SELECT count(*) FROM jobs WHERE jobs.queue = queues.id AND jobs.state = column2) AS found
  FROM queues, (VALUES ${JOB_STATES.map((state, number) => `('${state}', ${number})`).join(", ")})
) WHERE counted <> found`;

/** What is in a store's file, read past unjam by SQLite itself. */
export class StoreFile implements Disposable {
  readonly db: DatabaseSync;
  readonly #folder: string | undefined;

  private constructor(db: DatabaseSync, folder: string | undefined) {
    this.db = db;
    this.#folder = folder;
  }

  /** Beside the processes that use it. */
  static open(file: string): StoreFile {
    const db = new DatabaseSync(file);
    db.exec("PRAGMA busy_timeout = 5000");
    return new StoreFile(db, undefined);
  }

  /**
   * A copy, as a reader would find it after a crash. The original keeps its log, so that the next
   * process has to recover it and not this one.
   */
  static copyOf(file: string): StoreFile {
    const folder = mkdtempSync(join(tmpdir(), "unjam-copy-"));
    const copy = join(folder, basename(file));
    for (const suffix of ["", "-wal"]) {
      if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
    }
    return new StoreFile(new DatabaseSync(copy), folder);
  }

  /** False before the first process has made its tables. */
  get hasTables(): boolean {
    return this.#number("SELECT count(*) FROM sqlite_schema WHERE name = 'jobs'") === 1;
  }

  jobs(where = "1"): JobRow[] {
    return this.db
      .prepare(`${ROWS} WHERE ${where}`)
      .all()
      .map((row) => ({
        id: Number(row["id"]),
        n: Number(row["n"]),
        task: String(row["task"]),
        state: JOB_STATES[Number(row["state"])] ?? "dropped",
        token: Number(row["token"]),
        attempt: Number(row["attempt"]),
        losses: Number(row["losses"]),
        batch: row["batch"] === null ? null : String(row["batch"]),
        batchSize: row["size"] === null ? null : Number(row["size"]),
      }));
  }

  /** Everything that is wrong with the file itself; empty when nothing is. */
  faults(): string[] {
    const integrity = this.db
      .prepare("PRAGMA integrity_check")
      .all()
      .map((row) => String(row["integrity_check"]))
      .filter((text) => text !== "ok");
    const counters = this.db.prepare(COUNTED).all().map(counterFault);
    const done = this.#number("SELECT coalesce(sum(done_total), 0) FROM queues");
    const rows = this.#number("SELECT count(*) FROM jobs WHERE state = 3");
    // Nothing is pruned within a test, so each job was counted once when it was settled.
    const totals = done === rows ? [] : [`done_total is ${done}, ${rows} jobs are done`];
    return [...integrity, ...counters, ...totals];
  }

  [Symbol.dispose](): void {
    this.db.close();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true });
  }

  #number(sql: string): number {
    const row = this.db.prepare(sql).get();
    return row === undefined ? 0 : Number(Object.values(row)[0]);
  }
}

/** Batches that are there in part. */
export function halfBatches(jobs: readonly JobRow[]): string[] {
  const found = new Map<string, { size: number; count: number }>();
  for (const { batch, batchSize } of jobs) {
    if (batch === null) continue;
    const sofar = found.get(batch) ?? { size: batchSize ?? 0, count: 0 };
    sofar.count++;
    found.set(batch, sofar);
  }
  return [...found]
    .filter(([, { size, count }]) => size !== count)
    .map(([batch, { size, count }]) => `batch ${batch} has ${count} of ${size} jobs`);
}

function counterFault(row: Readonly<Record<string, unknown>>): string {
  const [queue, counted, state, found] = [
    row["name"],
    row["counted"],
    row["state_name"],
    row["found"],
  ].map(String);
  return `queue ${queue} counts ${counted} ${state}, has ${found}`;
}
