/**
 * The limit of SQLite without any feature, for orientation: a narrow row that is deleted when the
 * job is done, one partial index, no owner, no counters, no names.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Meter } from "../measure/meter.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { imageJob } from "./payload.ts";

const jobs = countSetting("jobs");
const batchSize = countSetting("batchSize");

const db = new DatabaseSync(join(setting("folder"), "jobs.db"));
db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;
CREATE TABLE jobs(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, priority INTEGER NOT NULL, run_at INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0, payload TEXT NOT NULL);
CREATE INDEX jobs_ready ON jobs(priority, run_at, id) WHERE state = 0`);
const begin = db.prepare("BEGIN IMMEDIATE");
const commit = db.prepare("COMMIT");
const insert = db.prepare("INSERT INTO jobs(state, priority, run_at, payload) VALUES (0, 0, ?, ?)");
const claim = db.prepare(`UPDATE jobs SET state = 1, attempt = attempt + 1 WHERE id IN (
  SELECT id FROM jobs WHERE state = 0 AND run_at <= ? ORDER BY priority, run_at, id LIMIT ?) RETURNING id, payload`);
const remove = db.prepare("DELETE FROM jobs WHERE id = ?");

const meter = await Meter.begin();
let insertedCount = 0;
let settledCount = 0;
let held: number[] = [];
while (settledCount < jobs) {
  const now = Date.now();
  const adding = Math.min(batchSize, jobs - insertedCount);
  begin.run();
  for (const id of held) remove.run(id);
  for (let index = 0; index < adding; index++) insert.run(now, JSON.stringify(imageJob(index)));
  const claimed = adding === 0 ? [] : claim.all(now, batchSize);
  commit.run();
  insertedCount += adding;
  settledCount += held.length;
  held = claimed.map(({ id, payload }) => {
    JSON.parse(String(payload));
    return Number(id);
  });
}
const cost = meter.costNow(jobs);
const left = db.prepare("SELECT count(*) AS n FROM jobs").get()?.["n"];
verify(left === 0, `${String(left)} jobs are left`);
db.close();
report({ ...cost });
