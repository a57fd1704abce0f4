import { UnjamError } from "../core/errors.ts";

/** Kept equal to package.json's `engines` by a test. */
export const NODE_NEEDED = "^22.22.3 || >=24.15.0";

/** Whether a Node runs TypeScript directly and bundles an SQLite without the WAL-reset bug. */
export function isNodeSupported(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.replace(/^v/, "").split(".").map(Number);
  if (major === 22) return minor > 22 || (minor === 22 && patch >= 3);
  if (major === 24) return minor >= 15;
  return major > 24;
}

/** @throws UNJAM_NODE_TOO_OLD */
export function refuseOldNode(): void {
  if (isNodeSupported(process.version)) return;
  throw new UnjamError("UNJAM_NODE_TOO_OLD", { needed: NODE_NEEDED, version: process.version });
}
