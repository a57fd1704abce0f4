import { resolve } from "node:path";
import { UnjamError } from "../core/errors.ts";
import type { Store, StorePorts } from "./store.ts";

/**
 * Opens the store that a URL names, loading only that one: "memory:", or "sqlite:<path>" with a
 * path relative to the working directory.
 * @throws UNJAM_STORE_URL_INVALID, and what opening that store throws
 */
export async function openStore(url: string, ports: StorePorts): Promise<Store> {
  if (url === "memory:") {
    const { MemoryStore } = await import("./memory/memory-store.ts");
    return new MemoryStore(ports);
  }
  const file = /^sqlite:(?<path>.+)$/s.exec(url)?.groups?.["path"];
  if (file === undefined || file.includes("\0"))
    throw new UnjamError("UNJAM_STORE_URL_INVALID", { url });
  const { openSqliteStore } = await import("./sqlite/open-sqlite.ts");
  return openSqliteStore(resolve(file), ports);
}
