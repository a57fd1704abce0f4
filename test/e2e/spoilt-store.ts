import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { open, task } from "../../src/index.ts";

export const PAGE_BYTES = 4_096;
export const GOOD_JOBS = 200;
const INPUT = "x".repeat(1_000);

/** Makes a store with some pages in it, to be copied and spoilt. */
export async function makeGoodStore(file: string): Promise<void> {
  const app = await open({ store: `sqlite:${file}`, work: false, runtime: "inline" });
  const inputs = Array.from({ length: GOOD_JOBS }, () => INPUT);
  await app.enqueueMany(task("stored", { queue: "stored" }), inputs);
  await app.close();
}

/** Makes a file at `file`, from the good one, that is no store; or links, folders, nothing. */
type Spoil = (file: string, good: string) => void;

interface SpoiltStore {
  readonly what: string;
  readonly code: string;
  readonly spoil: Spoil;
  /** Where the store is asked for, beside the file. */
  readonly at?: (file: string) => string;
}

/** Everything that can stand where a store should, by the code that refuses it. */
export const SPOILT: readonly SpoiltStore[] = [
  { what: "a folder", code: "UNJAM_STORE_FOREIGN", spoil: (file) => mkdirSync(file) },
  { what: "a text", code: "UNJAM_STORE_FOREIGN", spoil: (file) => writeFileSync(file, "hello") },
  {
    what: "a long text",
    code: "UNJAM_STORE_FOREIGN",
    spoil: (file) => writeFileSync(file, "not a database at all\n".repeat(500)),
  },
  {
    what: "nothing but zeros",
    code: "UNJAM_STORE_FOREIGN",
    spoil: (file) => writeFileSync(file, Buffer.alloc(2 * PAGE_BYTES)),
  },
  {
    what: "another application's database",
    code: "UNJAM_STORE_FOREIGN",
    spoil: (file) => inDatabase(file, "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)"),
  },
  {
    what: "another application's database in WAL mode, with an id of its own",
    code: "UNJAM_STORE_FOREIGN",
    spoil: (file) =>
      inDatabase(file, "PRAGMA journal_mode = WAL; PRAGMA application_id = 7; CREATE TABLE a (b)"),
  },
  {
    what: "a device",
    code: "UNJAM_STORE_FOREIGN",
    spoil: () => undefined,
    at: () => "/dev/null",
  },
  {
    what: "a store that lost its header",
    code: "UNJAM_STORE_FOREIGN",
    spoil: (file, good) => overwrite(copy(good, file), { fromPage: 0 }),
  },
  {
    what: "a store with the log of another application",
    code: "UNJAM_STORE_FOREIGN",
    spoil: withForeignLog,
  },
  {
    what: "a store that is damaged from its second page on",
    code: "UNJAM_STORE_CORRUPT",
    spoil: (file, good) => overwrite(copy(good, file), { fromPage: 1 }),
  },
  {
    what: "a store that was cut short at a page",
    code: "UNJAM_STORE_CORRUPT",
    spoil: (file, good) => truncateSync(copy(good, file), 3 * PAGE_BYTES),
  },
  {
    what: "a store that was cut short in its header",
    code: "UNJAM_STORE_CORRUPT",
    spoil: (file, good) => truncateSync(copy(good, file), 50),
  },
  {
    what: "a store without one of its tables",
    code: "UNJAM_STORE_CORRUPT",
    spoil: (file, good) => inDatabase(copy(good, file), "DROP TABLE jobs"),
  },
  {
    what: "a store that does not say its version",
    code: "UNJAM_STORE_CORRUPT",
    spoil: (file, good) => inDatabase(copy(good, file), "DELETE FROM unjam_meta"),
  },
  {
    what: "a store of a newer version",
    code: "UNJAM_SCHEMA_NEWER",
    spoil: (file, good) =>
      inDatabase(copy(good, file), "UPDATE unjam_meta SET value = 99 WHERE name <> 'next_id'"),
  },
  {
    what: "a file in a folder that is missing",
    code: "UNJAM_STORE_FOLDER_MISSING",
    spoil: () => undefined,
    at: (file) => join(file, "jobs.db"),
  },
  {
    what: "a file in a .unjam folder whose own folder is missing",
    code: "UNJAM_STORE_FOLDER_MISSING",
    spoil: () => undefined,
    at: (file) => join(file, ".unjam/jobs.db"),
  },
  {
    what: "a file in what is no folder",
    code: "UNJAM_STORE_FOLDER_MISSING",
    spoil: (file) => writeFileSync(file, ""),
    at: (file) => join(file, "jobs.db"),
  },
  {
    what: "a file in a .unjam that is no folder",
    code: "UNJAM_STORE_FOLDER_MISSING",
    spoil: (file) => {
      mkdirSync(file);
      writeFileSync(join(file, ".unjam"), "");
    },
    at: (file) => join(file, ".unjam/jobs.db"),
  },
  {
    what: "a file in a folder that leads to itself",
    code: "UNJAM_STORE_FOLDER_MISSING",
    spoil: (file) => symlinkSync(basename(file), file),
    at: (file) => join(file, "jobs.db"),
  },
  {
    what: "a link to itself",
    code: "UNJAM_STORE_PATH_UNUSABLE",
    spoil: (file) => symlinkSync(basename(file), file),
  },
  {
    what: "a link into a folder that is missing",
    code: "UNJAM_STORE_PATH_UNUSABLE",
    spoil: (file) => symlinkSync("nowhere/jobs.db", file),
  },
  {
    what: "a name that is too long",
    code: "UNJAM_STORE_PATH_UNUSABLE",
    spoil: () => undefined,
    at: (file) => `${file}${"n".repeat(300)}`,
  },
  {
    what: "a path that is longer than SQLite takes",
    code: "UNJAM_STORE_PATH_UNUSABLE",
    spoil: (file) => void mkdirSync(deep(file), { recursive: true }),
    at: (file) => join(deep(file), "jobs.db"),
  },
];

/** A folder far below this one. */
function deep(file: string): string {
  return join(file, ...Array.from({ length: 5 }, () => "d".repeat(100)));
}

export function copy(good: string, file: string): string {
  copyFileSync(good, file);
  return file;
}

function inDatabase(file: string, sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

/** Overwrites every page from this one on with ones. */
export function overwrite(file: string, { fromPage }: { readonly fromPage: number }): void {
  const handle = openSync(file, "r+");
  const end = statSync(file).size;
  for (let at = fromPage * PAGE_BYTES; at < end; at += PAGE_BYTES) {
    writeSync(handle, Buffer.alloc(PAGE_BYTES, 0xff), 0, PAGE_BYTES, at);
  }
  closeSync(handle);
}

/** As it comes of copying files about: the log replaces pages of a database that it is not of. */
function withForeignLog(file: string, good: string): void {
  copy(good, file);
  const other = `${file}.other`;
  const db = new DatabaseSync(other);
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE people (id INTEGER PRIMARY KEY)");
  copyFileSync(`${other}-wal`, `${file}-wal`);
  db.close();
}
