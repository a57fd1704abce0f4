import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { ManualClock } from "./manual-clock.ts";
import type { OpenedStore } from "./scene.ts";

/** A SQLite store in a fresh file, which goes with it. */
export async function openTemporarySqlite(): Promise<OpenedStore> {
  const folder = await mkdtemp(join(tmpdir(), "unjam-store-"));
  const clock = new ManualClock();
  const store = await openSqliteStore(join(folder, "jobs.db"), clock.ports);
  return {
    store,
    clock,
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}
