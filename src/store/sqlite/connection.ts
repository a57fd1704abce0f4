import { existsSync, mkdirSync, type Stats, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { UnjamError } from "../../core/errors.ts";
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION, TABLES } from "./schema.ts";

/**
 * One open file: prepared statements by their text, and what must be true before a write.
 *
 * `busy_timeout` is 0 on purpose: a locked file must never freeze the thread; whoever calls
 * retries by timer. The page cache is 16 MiB: what falls out of it is read from the system's own
 * cache, and a million waiting jobs must not live in this process. Autocheckpoints are larger than SQLite's default, because a checkpoint every
 * thousand pages would double the fsyncs of a busy queue.
 */
export class Connection {
  readonly db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  /** A prepared statement; the same text is prepared once per connection. */
  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** One number from a query that always has a row. */
  number(sql: string, ...values: (number | string | null)[]): number {
    const row = this.prepare(sql).get(...values);
    const value = row === undefined ? undefined : Object.values(row)[0];
    return typeof value === "number" ? value : 0;
  }

  close(): void {
    this.#statements.clear();
    if (this.db.isOpen) this.db.close();
  }
}

/** How {@link openConnection} makes its database; a parameter so that the driver loads lazily. */
export type OpenDatabase = (file: string) => DatabaseSync;

/**
 * Opens, checks and migrates. Synchronous; throws SQLite's own error when the file is busy or
 * broken, and a coded one when it is foreign, newer, or could not be made safe.
 */
export function openConnection(file: string, openDatabase: OpenDatabase): Connection {
  prepareFolder(file);
  refuseIrregular(file);
  const db = openDatabase(file);
  try {
    const connection = new Connection(db);
    db.exec("PRAGMA busy_timeout = 0");
    refuseUnsafeSqlite(connection);
    refuseForeign(connection, file);
    makeDurable(connection);
    migrate(connection, file);
    refuseIncomplete(connection, file);
    return connection;
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepareFolder(file: string): void {
  const folder = dirname(file);
  if (isFolder(folder)) return;
  const missing = { file, folder };
  if (basename(folder) !== ".unjam" || !existsSync(dirname(folder))) {
    throw new UnjamError("UNJAM_STORE_FOLDER_MISSING", missing);
  }
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have made it at the same time.
    if (isFolder(folder)) return;
    throw new UnjamError("UNJAM_STORE_FOLDER_MISSING", missing, { cause: error });
  }
}

function isFolder(path: string): boolean {
  return lookAt(path)?.isDirectory() ?? false;
}

/** A folder, a device or a pipe: to SQLite a null device would be an empty store that forgets all. */
function refuseIrregular(file: string): void {
  const facts = lookAt(file);
  if (facts === undefined || facts.isFile()) return;
  const reason = facts.isDirectory() ? "it is a folder" : "it is a device, a pipe or a socket";
  throw new UnjamError("UNJAM_STORE_FOREIGN", { file, reason });
}

/** `undefined` also where the path is no path: opening it says why. */
function lookAt(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** SQLite before these can corrupt a WAL file when two connections checkpoint: sqlite.org/wal.html#walresetbug */
const SAFE_SINCE = [
  [3, 44, 6],
  [3, 50, 7],
  [3, 51, 3],
] as const;

/** Whether this SQLite has the fix of the WAL-reset bug, in its line or by age. */
export function isSafeSqlite(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (major !== 3) return major > 3;
  const line = SAFE_SINCE.find(([, fixedMinor]) => fixedMinor === minor);
  return line === undefined ? minor > 51 : patch >= line[2];
}

function refuseUnsafeSqlite(connection: Connection): void {
  const version = String(connection.prepare("SELECT sqlite_version() AS v").get()?.["v"]);
  if (isSafeSqlite(version)) return;
  throw new UnjamError("UNJAM_STORE_UNSAFE", {
    what: "the version of SQLite",
    expected: "3.51.3 or later",
    got: version,
  });
}

function refuseForeign(connection: Connection, file: string): void {
  // In this order: another process may be making its tables right now, and the id comes with them.
  const tables = connection.number("SELECT count(*) FROM sqlite_schema");
  const id = connection.number("PRAGMA application_id");
  if (id === APPLICATION_ID || (id === 0 && tables === 0)) return;
  throw new UnjamError("UNJAM_STORE_FOREIGN", {
    file,
    reason: `its application id is ${id} and it has ${tables} tables or indexes`,
  });
}

/** Sets what durability rests on and reads it back: a pragma that is refused does not throw. */
function makeDurable(connection: Connection): void {
  const mode = connection.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
  if (mode !== "wal") {
    throw new UnjamError("UNJAM_STORE_UNSAFE", {
      what: "PRAGMA journal_mode",
      expected: "wal",
      got: String(mode),
    });
  }
  // macOS: fsync there does not reach the platter without it. A no-op elsewhere.
  connection.db.exec(
    "PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1",
  );
  connection.db.exec(
    "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 8000; PRAGMA temp_store = MEMORY",
  );
  const synchronous = connection.number("PRAGMA synchronous");
  if (synchronous !== 2) {
    throw new UnjamError("UNJAM_STORE_UNSAFE", {
      what: "PRAGMA synchronous",
      expected: "2 (FULL)",
      got: String(synchronous),
    });
  }
}

function migrate(connection: Connection, file: string): void {
  const { db } = connection;
  if (schemaOf(connection, file) >= SCHEMA_VERSION) {
    refuseNewer(connection.number(NEEDED_TO_WRITE), file);
    return;
  }
  db.exec("BEGIN IMMEDIATE");
  try {
    // Read again inside the transaction: another process may have migrated meanwhile.
    for (let version = schemaOf(connection, file); version < SCHEMA_VERSION; version++) {
      db.exec(MIGRATIONS[version] ?? "");
    }
    connection
      .prepare("UPDATE unjam_meta SET value = max(value, ?) WHERE name = 'schema'")
      .run(SCHEMA_VERSION);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** Whoever drops a table of ours leaves a file that says it is a store, and fails at the first job. */
function refuseIncomplete(connection: Connection, file: string): void {
  const names = new Set(
    connection
      .prepare("SELECT name FROM sqlite_schema")
      .all()
      .map((row) => String(row["name"])),
  );
  const missing = TABLES.filter((table) => !names.has(table));
  if (missing.length === 0) return;
  const reason = `it has no table ${missing.join(", ")}`;
  throw new UnjamError("UNJAM_STORE_CORRUPT", { file, reason });
}

function schemaOf(connection: Connection, file: string): number {
  const exists = connection.number("SELECT count(*) FROM sqlite_schema WHERE name = 'unjam_meta'");
  if (exists === 0) return 0;
  const version = connection.number("SELECT value FROM unjam_meta WHERE name = 'schema'");
  if (version > 0) return version;
  throw new UnjamError("UNJAM_STORE_CORRUPT", { file, reason: "it does not say its version" });
}

/** Who writes a file reads it too. */
const NEEDED_TO_WRITE =
  "SELECT max(value) FROM unjam_meta WHERE name IN ('min_reader', 'min_writer')";
const NEEDED_TO_READ = "SELECT value FROM unjam_meta WHERE name = 'min_reader'";

/** Whether this build may (still) read the file: a newer one may have opened it since. @throws UNJAM_SCHEMA_NEWER */
export function refuseUnreadable(connection: Connection, file: string): void {
  refuseNewer(connection.number(NEEDED_TO_READ), file);
}

/** Whether this build may (still) work with a file that needs this version. @throws UNJAM_SCHEMA_NEWER */
export function refuseNewer(needed: number, file: string): void {
  if (needed <= SCHEMA_VERSION) return;
  throw new UnjamError("UNJAM_SCHEMA_NEWER", { file, needed, known: SCHEMA_VERSION });
}
