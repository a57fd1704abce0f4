import { existsSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { UnjamError } from "../core/errors.ts";

/**
 * A thread that runs our code only: the process's flags and preloads (`--import`, loaders) must not
 * run in it.
 *
 * @param here the module that `file` stands beside; missing in a bundle that was made CommonJS.
 * @throws UNJAM_THREAD_ENTRY_MISSING
 */
export function startOwnThread(
  here: string | undefined,
  file: string,
  options: Omit<WorkerOptions, "execArgv" | "env">,
): Worker {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return new Worker(entryBeside(here, file), { ...options, execArgv: [], env });
}

function entryBeside(here: string | undefined, file: string): URL {
  if (here === undefined) throw new UnjamError("UNJAM_THREAD_ENTRY_MISSING", { entry: file });
  const entry = new URL(`./${file}${extname(here)}`, here);
  if (existsSync(fileURLToPath(entry))) return entry;
  throw new UnjamError("UNJAM_THREAD_ENTRY_MISSING", { entry: entry.href });
}
