/**
 * The raw limit with our schema: one thread, no callers, no handlers. A plain loop in which one
 * transaction settles the last batch, inserts the next one and claims it, so that a batch costs
 * one fsync, which is the least that "durable before the acknowledgement" can cost. The same file,
 * pragmas, rows, indexes and counters as unjam's. With `handover` the jobs are inserted as leased.
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { openConnection } from "../../src/store/sqlite/connection.ts";
import { Meter } from "../measure/meter.ts";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { imageJob } from "./payload.ts";
import * as sql from "./raw-statements.ts";
import { storeStatements } from "./store-statements.ts";

const READY = 1;
const LEASE_MS = 15_000;
const KEEP_DONE_MS = 3_600_000;
const KEEP_DONE_COUNT = 100_000;
const PRUNE_EVERY_MS = 1_000;
const PRUNE_ROWS = 2_000;

const jobs = countSetting("jobs");
const batchSize = countSetting("batchSize");
/** Which share of the jobs, from the end, is measured. */
const measuredShare = countSetting("measuredShare");
const backlogFile = setting("backlogFile");
const handsOver = countSetting("handover") === 1;

const ofStore = storeStatements(join(setting("folder"), "scratch.db"));
for (const own of [sql.INSERT, sql.INSERT_LEASED, sql.CLAIM, sql.SETTLE, sql.PRUNE]) {
  verify(ofStore.has(sql.normalized(own)), `the store no longer runs ${own}`);
}

const file = join(setting("folder"), "jobs.db");
if (backlogFile !== "") copyFileSync(backlogFile, file);
const connection = openConnection(file, (path) => new DatabaseSync(path));
const { db } = connection;
const queue = named("queues", "default");
const task = named("tasks", "noop");
const owner = Number(
  db
    .prepare(
      "INSERT INTO owners(pid, machine, label, queues, joined_at, beat_at) VALUES (1, 'raw', 'raw', '[]', 0, 0)",
    )
    .run().lastInsertRowid,
);

const begin = db.prepare("BEGIN IMMEDIATE");
const commit = db.prepare("COMMIT");
const insert = db.prepare(sql.INSERT);
const insertLeased = db.prepare(sql.INSERT_LEASED);
const claim = db.prepare(sql.CLAIM);
const settle = db.prepare(sql.SETTLE);
const prune = db.prepare(sql.PRUNE);
const count = db.prepare(sql.COUNT);
const bumpCommits = db.prepare(sql.COMMITS);
claim.setReturnArrays(true);

let nextId = connection.number(
  "SELECT max(value, (SELECT coalesce(max(id), 0) + 1 FROM jobs)) FROM unjam_meta WHERE name = 'next_id'",
);
let place = connection.number("SELECT place FROM queues WHERE id = ?", queue);
let insertedCount = 0;
let settledCount = 0;
let doneRows = 0;
let prunedAt = monotonicMs();
let held: readonly sql.ClaimedRow[] = [];

const unmeasured = Math.floor(jobs * (1 - measuredShare));
const meter = await Meter.begin();
let startCount = 0;
while (settledCount < jobs) {
  if (startCount === 0 && unmeasured > 0 && settledCount >= unmeasured) {
    meter.restart();
    startCount = settledCount;
  }
  turn();
  if (monotonicMs() - prunedAt >= PRUNE_EVERY_MS) pruneDone();
}
const cost = meter.costNow(jobs - startCount);
verify(settledCount === jobs, `${settledCount} jobs settled, not ${jobs}`);
db.close();
report({ ...cost, settledPerS: cost.opsPerS, doneRowsAtEnd: doneRows });

function turn(): void {
  const now = Math.round(monotonicMs());
  const wallNow = Date.now();
  const adding = Math.min(batchSize, jobs - insertedCount);
  begin.run();
  for (const [id, token] of held)
    settle.run(wallNow, wallNow + KEEP_DONE_MS, null, null, id, token);
  const lease = [owner, now + LEASE_MS, wallNow] as const;
  const claimed = handsOver ? addLeased(adding, lease) : addAndClaim(adding, lease);
  const [ready, leased] = [adding - claimed.length, claimed.length - held.length];
  count.run(ready, leased, held.length, held.length, adding, queue);
  bumpCommits.run(now, owner);
  commit.run();
  insertedCount += adding;
  settledCount += held.length;
  doneRows += held.length;
  for (const [, , , , payload] of claimed) JSON.parse(payload);
  held = claimed;
}

type Lease = readonly [owner: number, until: number, claimedAt: number];

function addAndClaim(adding: number, lease: Lease): readonly sql.ClaimedRow[] {
  for (let index = 0; index < adding; index++) {
    const payload = JSON.stringify(imageJob(insertedCount + index));
    insert.run(nextId++, queue, task, READY, 0, place++, lease[2], payload);
  }
  return adding === 0 ? [] : rows(claim, [...lease, queue, task, batchSize]);
}

function addLeased(adding: number, lease: Lease): readonly sql.ClaimedRow[] {
  return Array.from({ length: adding }, (_, index) => {
    const payload = JSON.stringify(imageJob(insertedCount + index));
    const id = nextId++;
    insertLeased.run(id, queue, task, place++, ...lease, lease[2], payload);
    return [id, 1, 0, 0, payload] as const;
  });
}

function pruneDone(): void {
  prunedAt = monotonicMs();
  while (doneRows > KEEP_DONE_COUNT) {
    begin.run();
    const { changes } = prune.run(queue, Math.min(PRUNE_ROWS, doneRows - KEEP_DONE_COUNT));
    count.run(0, 0, -Number(changes), 0, 0, queue);
    commit.run();
    doneRows -= Number(changes);
  }
}

function rows(statement: StatementSync, values: readonly number[]): readonly sql.ClaimedRow[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the RETURNING list of CLAIM, in its order.
  return statement.all(...values) as unknown as readonly sql.ClaimedRow[];
}

function named(table: "queues" | "tasks", name: string): number {
  db.prepare(`INSERT OR IGNORE INTO ${table}(name) VALUES (?)`).run(name);
  return connection.number(`SELECT id FROM ${table} WHERE name = ?`, name);
}
