import { readFileSync } from "node:fs";

/** The version of this package, from its manifest. */
export function packageVersion(): string {
  // As many steps up from src/edges/cli as from dist/edges/cli.
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  const manifest: unknown = JSON.parse(text);
  const isManifest = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isManifest ? String(manifest.version) : "unknown";
}
