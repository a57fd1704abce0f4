import { resolve } from "node:path";
import { UnjamError } from "../core/errors.ts";
import type { Store, StorePorts } from "./store.ts";

/**
 * Opens the store that a URL names, loading only that one: "memory:", or "sqlite:<path>" with a
 * path relative to the working directory.
 * @param options `mustExist`: a store that can outlive its process is not made anew.
 * @throws UNJAM_STORE_URL_INVALID, and what opening that store throws
 */
export async function openStore(
  url: string,
  ports: StorePorts,
  options: { readonly mustExist?: boolean } = {},
): Promise<Store> {
  if (url === "memory:") {
    const { MemoryStore } = await import("./memory/memory-store.ts");
    return new MemoryStore(ports);
  }
  const file = storeFile(url);
  const { openSqliteStore } = await import("./sqlite/open-sqlite.ts");
  return openSqliteStore(file, ports, options);
}

/** The file that a "sqlite:<path>" URL names. @throws UNJAM_STORE_URL_INVALID for any other URL */
export function storeFile(url: string): string {
  const path = /^sqlite:(?<path>.+)$/s.exec(url)?.groups?.["path"];
  if (path === undefined || path.includes("\0")) {
    throw new UnjamError("UNJAM_STORE_URL_INVALID", { url });
  }
  return resolve(path);
}
