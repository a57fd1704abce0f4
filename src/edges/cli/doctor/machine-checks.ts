import { availableParallelism } from "node:os";
import { isNodeSupported, NODE_NEEDED } from "../../../client/node-version.ts";
import { bad, type Check, ok, warning } from "./check.ts";

/** What can be said without the store: the Node, its SQLite, and the room for threads. */
export function machineChecks({ threads }: { readonly threads: number }): readonly Check[] {
  return [checkNode(), checkSqlite(), checkThreads(threads)];
}

function checkNode(): Check {
  const { version } = process;
  if (isNodeSupported(version)) return ok("node", `${version}, within ${NODE_NEEDED}`);
  return bad("node", `${version}, outside of ${NODE_NEEDED}`, "install a supported Node");
}

/**
 * Every Node in the supported range bundles an SQLite in which two processes that checkpoint cannot
 * damage the file (sqlite.org/wal.html#walresetbug); the store looks once more when it opens.
 */
function checkSqlite(): Check {
  const version = process.versions["sqlite"] ?? "of unknown version";
  if (isNodeSupported(process.version)) {
    return ok("sqlite", `${version}, with the fix of the WAL-reset bug`);
  }
  const found = `${version}, perhaps without the fix of the WAL-reset bug`;
  return bad("sqlite", found, `install Node ${NODE_NEEDED}, which bundles a safe one`);
}

function checkThreads(threads: number): Check {
  const cores = availableParallelism();
  const found = `${threads} job threads on ${cores} ${cores === 1 ? "core" : "cores"}`;
  if (threads <= cores) return ok("threads", found);
  const fix = `set --threads ${cores} or fewer: more share the cores with the main loop and get no faster`;
  return warning("threads", found, fix);
}
