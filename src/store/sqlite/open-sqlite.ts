import { pathToFileURL } from "node:url";
import { isUnjamError, UnjamError } from "../../core/errors.ts";
import { LOCK_RETRY_MS, OPEN_MS_MAX } from "../../core/limits.ts";
import type { Store, StorePorts } from "../store.ts";
import { CommitGroup } from "./commit-group.ts";
import { type Connection, type OpenDatabase, openConnection } from "./connection.ts";
import { isBusy, openError } from "./sqlite-error.ts";
import { SqliteStore } from "./sqlite-store.ts";

/**
 * Opens or creates the file, waiting up to OPEN_MS_MAX while another process holds it locked. Once
 * it was open it is never created again: in the place of a file that is gone, such as on a disk
 * that was unmounted, a new and empty one would take jobs that nobody finds again.
 * @throws UNJAM_STORE_LOCKED, UNJAM_STORE_FOREIGN, UNJAM_STORE_CORRUPT, UNJAM_STORE_READ_ONLY,
 *   UNJAM_STORE_FOLDER_MISSING, UNJAM_STORE_UNSAFE, UNJAM_SCHEMA_NEWER, UNJAM_STORE_IO
 */
export async function openSqliteStore(
  file: string,
  ports: StorePorts,
  { mustExist = false }: { readonly mustExist?: boolean } = {},
): Promise<Store> {
  const { create, reopen } = await loadDriver();
  const first = mustExist ? reopen : create;
  const connection = await untilFree(() => openConnection(file, first), file, ports);
  const again = (): Connection => openConnection(file, reopen);
  const group = new CommitGroup(connection, { ...ports, file, reopen: again });
  return new SqliteStore(file, group, ports.clock);
}

async function loadDriver(): Promise<{
  readonly create: OpenDatabase;
  readonly reopen: OpenDatabase;
}> {
  silenceSqliteWarning();
  const { DatabaseSync: Database } = await import("node:sqlite");
  return {
    create: (file) => new Database(file),
    reopen(file) {
      const url = pathToFileURL(file);
      url.searchParams.set("mode", "rw");
      return new Database(url);
    },
  };
}

/** Node 22 warns that node:sqlite is experimental; users did not choose it and cannot act on it. */
function silenceSqliteWarning(): void {
  if (!process.version.startsWith("v22.")) return;
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).includes("SQLite is an experimental feature")) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
}

async function untilFree(
  open: () => Connection,
  file: string,
  { clock, timers }: StorePorts,
): Promise<Connection> {
  const startedAt = clock.now();
  for (;;) {
    try {
      return open();
    } catch (error) {
      const waitedMs = Math.round(clock.now() - startedAt);
      if (!isBusy(error)) throw isUnjamError(error) ? error : openError(error, file);
      if (waitedMs >= OPEN_MS_MAX) {
        throw new UnjamError("UNJAM_STORE_LOCKED", { file, waitedMs }, { cause: error });
      }
    }
    await new Promise<void>((resolve) => {
      timers.after(LOCK_RETRY_MS, resolve, { keepsAlive: true });
    });
  }
}
