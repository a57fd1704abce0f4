import { statSync } from "node:fs";
import { UnjamError } from "../core/errors.ts";
import { storeFile } from "../store/open-store.ts";

/** Where a store that other processes can reach is kept, and whether it is there yet. */
export interface StorePresence {
  readonly file: string;
  readonly exists: boolean;
}

/**
 * Looks for the store of a URL without opening it, because opening makes what is not there. An
 * empty file is no store yet.
 * @throws UNJAM_STORE_URL_INVALID, UNJAM_NOT_SUPPORTED for "memory:", which ends with its process
 */
export function findStore(url: string): StorePresence {
  if (url === "memory:") {
    const where = "a command of its own process: the jobs would end with it";
    throw new UnjamError("UNJAM_NOT_SUPPORTED", { what: 'the store "memory:"', where });
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
