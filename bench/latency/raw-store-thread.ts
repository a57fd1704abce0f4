/**
 * The store thread of raw-latency.ts: what it gets is stored and leased by one transaction with one
 * fsync, and answered; then the job before it is settled by another, as in unjam.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { openConnection } from "../../src/store/sqlite/connection.ts";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { verify } from "../measure/probe.ts";
import * as sql from "../sqlite/raw-statements.ts";
import { storeStatements } from "../sqlite/store-statements.ts";

const LEASE_MS = 15_000;
const KEEP_DONE_MS = 3_600_000;
const QUEUE = 1;
const TASK = 1;
const OWNER = 1;

const folder = String(workerData);
const ofStore = storeStatements(join(folder, "scratch.db"));
for (const own of [sql.INSERT_LEASED, sql.SETTLE]) {
  verify(ofStore.has(sql.normalized(own)), `the store no longer runs ${own}`);
}

const { db } = openConnection(join(folder, "jobs.db"), (path) => new DatabaseSync(path));
db.exec(`INSERT INTO queues(id, name) VALUES (${QUEUE}, 'default');
INSERT INTO tasks(id, name) VALUES (${TASK}, 'mark');
INSERT INTO owners(id, pid, machine, label, queues, joined_at, beat_at) VALUES (${OWNER}, 1, 'raw', 'raw', '[]', 0, 0)`);
const begin = db.prepare("BEGIN IMMEDIATE");
const commit = db.prepare("COMMIT");
const insert = db.prepare(sql.INSERT_LEASED);
const settle = db.prepare(sql.SETTLE);
const count = db.prepare(sql.COUNT);
const bumpCommits = db.prepare(sql.COMMITS);

let id = 0;
parentPort?.on("message", (payload: string) => {
  const now = Math.round(monotonicMs());
  const wallNow = Date.now();
  id++;
  begin.run();
  insert.run(id, QUEUE, TASK, id, OWNER, now + LEASE_MS, wallNow, wallNow, payload);
  count.run(0, 1, 0, 0, 1, QUEUE);
  bumpCommits.run(now, OWNER);
  commit.run();
  parentPort?.postMessage(payload);
  begin.run();
  settle.run(wallNow, wallNow + KEEP_DONE_MS, null, null, id, 1);
  count.run(0, -1, 1, 1, 0, QUEUE);
  bumpCommits.run(now, OWNER);
  commit.run();
});
