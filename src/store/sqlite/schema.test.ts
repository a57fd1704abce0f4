import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../test/conformance/manual-clock.ts";
import { openSqliteStore } from "./open-sqlite.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";

/** A file as the first version left it, with two ready jobs of which one was lost three times. */
function makeOldFile(file: string): void {
  using db = new DatabaseSync(file);
  db.exec(MIGRATIONS[0] ?? "");
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA journal_mode = WAL;
    INSERT INTO queues(id, name, ready, place) VALUES (1, 'mail', 2, 2);
    INSERT INTO tasks(id, name) VALUES (1, 'send');
    INSERT INTO jobs(id, queue, task, state, priority, place, losses, created_at, payload)
    VALUES (1, 1, 1, 1, 4, 0, 3, 0, '{}'), (2, 1, 1, 1, 4, 1, 1, 0, '{}');`);
}

describe("a file of the first version", () => {
  it("is brought up to date when it is opened: its suspects are set apart", async () => {
    const folder = mkdtempSync(join(tmpdir(), "unjam-schema-"));
    const file = join(folder, "jobs.db");
    makeOldFile(file);
    const clock = new ManualClock();

    const store = await openSqliteStore(file, clock.ports);
    const slot = { queue: "mail", tasks: ["send"], limit: 10 };
    const slots = [
      { ...slot, suspects: "without" },
      { ...slot, suspects: "only" },
    ] as const;
    const claimed = await store.claim({ owner: 1, slots }, clock.now() + 10_000);
    const records = await store.get([1, 2]);
    await store.close();
    rmSync(folder, { recursive: true });

    expect(claimed.map(({ id, losses }) => [id, losses])).toEqual([
      [2, 1],
      [1, 3],
    ]);
    expect(records.map(({ priority }) => priority)).toEqual([4, 4]);
  });
});
