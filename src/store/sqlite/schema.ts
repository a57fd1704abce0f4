/**
 * The tables of a store in one SQLite file, and how an older file becomes this one.
 *
 * Within a major version migrations only add (columns with defaults, tables, indexes), so that
 * two builds can work on one file. `min_writer` and `min_reader` name the oldest schema that a
 * build must know to write the file and to read it; it looks at both before it does either.
 */

import { SUSPECT_LOSSES } from "../../core/limits.ts";

/** "unjm": marks a file as ours in its header, where `file(1)` and we find it. */
export const APPLICATION_ID = 0x75_6e_6a_6d;
export const SCHEMA_VERSION = 3;

/**
 * How a row's payload, result, error and `extra` are to be read. A build claims no rows of a format
 * that it does not know: they wait for one that does, and are listed, counted and cancelled as ever.
 */
export const ROW_FORMAT = 1;

/** Every version has these. */
export const TABLES = ["unjam_meta", "queues", "tasks", "owners", "jobs"] as const;

/** Job states as stored. Numbers never change; the order lets `state < 3` mean unfinished. */
export const STATE_NUMBERS = {
  scheduled: 0,
  ready: 1,
  leased: 2,
  done: 3,
  dead: 4,
  cancelled: 5,
  expired: 6,
  dropped: 7,
} as const;

/**
 * Why these indexes: each is partial, so that a job sits in one of them at a time and moving
 * between states touches two. `jobs_ready` answers a claim over a million foreign jobs in one
 * seek. `place` is the order of arrival in a queue over all processes; ids come in blocks and do
 * not tell.
 */
const VERSION_1 = `
CREATE TABLE unjam_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO unjam_meta VALUES ('schema', 1), ('min_reader', 1), ('min_writer', 1), ('next_id', 1);

CREATE TABLE queues (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  capacity INTEGER, paused INTEGER NOT NULL DEFAULT 0,
  scheduled INTEGER NOT NULL DEFAULT 0, ready INTEGER NOT NULL DEFAULT 0,
  leased INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0,
  expired INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0,
  retrying INTEGER NOT NULL DEFAULT 0,
  done_total INTEGER NOT NULL DEFAULT 0, failed_total INTEGER NOT NULL DEFAULT 0,
  place INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE tasks (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

CREATE TABLE owners (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pid INTEGER NOT NULL, process_start TEXT, machine TEXT NOT NULL, label TEXT NOT NULL,
  queues TEXT NOT NULL, joined_at INTEGER NOT NULL, beat_at INTEGER NOT NULL,
  left_at INTEGER, reason TEXT, commits INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL, task INTEGER NOT NULL,
  state INTEGER NOT NULL, priority INTEGER NOT NULL, place INTEGER NOT NULL,
  token INTEGER NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT 0,
  losses INTEGER NOT NULL DEFAULT 0, format INTEGER NOT NULL DEFAULT 1,
  owner INTEGER, lease_until INTEGER, claimed_at INTEGER,
  run_at INTEGER, expire_at INTEGER, created_at INTEGER NOT NULL,
  settled_at INTEGER, prune_at INTEGER, settled_by INTEGER,
  key TEXT, caller_id TEXT, extra TEXT, progress REAL, note TEXT,
  result TEXT, error TEXT, payload TEXT NOT NULL
);
CREATE INDEX jobs_scheduled ON jobs(run_at) WHERE state = 0;
CREATE INDEX jobs_ready ON jobs(queue, task, priority, place) WHERE state = 1;
CREATE INDEX jobs_leased ON jobs(lease_until, owner) WHERE state = 2;
CREATE INDEX jobs_done ON jobs(queue, prune_at) WHERE state = 3;
CREATE INDEX jobs_settled ON jobs(prune_at) WHERE state > 3;
CREATE INDEX jobs_expiring ON jobs(expire_at) WHERE expire_at IS NOT NULL AND state < 2 AND attempt = 0;
CREATE UNIQUE INDEX jobs_key ON jobs(task, key) WHERE key IS NOT NULL AND state < 3;
CREATE UNIQUE INDEX jobs_caller_id ON jobs(caller_id) WHERE caller_id IS NOT NULL;
`;

/**
 * What the stored priority of a suspect has on top of its own, which is 0 to 9. The index that
 * claims are answered from sets them apart by it at no cost: a column of its own would have to be
 * looked up for every job that is claimed.
 */
export const SUSPECT_PRIORITY = 10;

/**
 * The columns are for attempts that wait for other jobs, and say with which token they do. The
 * index is for `whenFull: "drop-oldest"`, which asks for the oldest of a queue's delayed jobs too.
 */
const VERSION_2 = `
ALTER TABLE jobs ADD COLUMN awaits INTEGER;
ALTER TABLE jobs ADD COLUMN awaits_token INTEGER;
CREATE INDEX jobs_delayed ON jobs(queue, place) WHERE state = 0;
UPDATE jobs SET priority = priority + ${SUSPECT_PRIORITY} WHERE losses >= ${SUSPECT_LOSSES} AND state < 3;
`;

/**
 * Claims pass over rows of other formats by a seek, however many there are. A build that takes any
 * format for its own may not write any more.
 */
const VERSION_3 = `
DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs(queue, task, format, priority, place) WHERE state = 1;
UPDATE unjam_meta SET value = 3 WHERE name = 'min_writer';
`;

/** `MIGRATIONS[n]` takes a file from version n to n + 1. */
export const MIGRATIONS: readonly string[] = [VERSION_1, VERSION_2, VERSION_3];
