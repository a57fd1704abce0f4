import { statSync } from "node:fs";
import { UnjamError } from "../core/errors.ts";
import { invalid } from "../core/options.ts";
import { storeFile } from "../store/open-store.ts";

/** Where a store that other processes can reach is kept, and whether it is there yet. */
export interface StorePresence {
  readonly file: string;
  readonly exists: boolean;
}

/**
 * Looks for the store of a URL without opening it, because opening makes what is not there. An
 * empty file is no store yet.
 * @throws UNJAM_STORE_URL_INVALID, UNJAM_INVALID_OPTION for "memory:"
 */
export function findStore(url: string): StorePresence {
  if (url === "memory:") {
    throw invalid(
      "the store",
      "a command",
      "one that outlives its process, such as sqlite:.unjam/jobs.db",
      url,
    );
  }
  const file = storeFile(url);
  return { file, exists: isThere(file) };
}

function isThere(file: string): boolean {
  try {
    const facts = statSync(file, { throwIfNoEntry: false });
    return facts !== undefined && (facts.size > 0 || !facts.isFile());
  } catch {
    // It may not be looked at: opening it will say why.
    return true;
  }
}

/** @throws as {@link findStore}, and UNJAM_STORE_MISSING */
export function requireStore(url: string): string {
  const { file, exists } = findStore(url);
  if (!exists) throw new UnjamError("UNJAM_STORE_MISSING", { file });
  return file;
}
