import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { isSafeSqlite, openConnection } from "./connection.ts";

const folder = mkdtempSync(join(tmpdir(), "unjam-connection-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** An SQLite that was built or configured to care less than it is told to. */
class Careless extends DatabaseSync {
  override exec(sql: string): void {
    super.exec(sql.replace("synchronous = FULL", "synchronous = NORMAL"));
  }
}

/** An SQLite of another version. */
function ofVersion(version: string): (file: string) => DatabaseSync {
  return (file) => {
    const db = new DatabaseSync(file);
    db.function("sqlite_version", () => version);
    return db;
  };
}

describe("an SQLite", () => {
  it.each(["3.44.6", "3.50.7", "3.51.3", "3.51.10", "3.52.0", "4.0.0"])(
    "%s has the fix of the WAL-reset bug",
    (version) => {
      expect(isSafeSqlite(version)).toBe(true);
    },
  );

  it.each(["3.40.1", "3.44.5", "3.45.9", "3.49.2", "3.50.6", "3.51.2"])(
    "%s has the WAL-reset bug",
    (version) => {
      expect(isSafeSqlite(version)).toBe(false);
    },
  );
});

describe("a connection", () => {
  it("waits for no lock, and for the disk at every commit", () => {
    const connection = openConnection(join(folder, "good.db"), (file) => new DatabaseSync(file));
    const settings = ["busy_timeout", "synchronous", "fullfsync", "checkpoint_fullfsync"];

    expect(settings.map((name) => connection.number(`PRAGMA ${name}`))).toEqual([0, 2, 1, 1]);
    connection.close();
  });

  it.each([
    ["the version of SQLite", "3.51.2", ofVersion("3.51.2")],
    ["PRAGMA journal_mode", "memory", () => new DatabaseSync(":memory:")],
    ["PRAGMA synchronous", "1", (file: string) => new Careless(file)],
  ])("that cannot promise durability is refused and closed: %s", (what, got, openDatabase) => {
    const opened: DatabaseSync[] = [];
    const open = (): unknown =>
      openConnection(join(folder, `${got}.db`), (file) => {
        const db = openDatabase(file);
        opened.push(db);
        return db;
      });

    expect(open).toThrow(
      expect.objectContaining({
        code: "UNJAM_STORE_UNSAFE",
        details: expect.objectContaining({ what, got }) as unknown,
      }) as Error,
    );
    expect(opened.map(({ isOpen }) => isOpen)).toEqual([false]);
  });
});
