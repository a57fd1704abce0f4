/** Makes `import "unjam"` mean this repository's build, and checks that the peers are there. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MODULES = fileURLToPath(new URL("node_modules", import.meta.url));

/** @throws Error when unjam does not build. */
export function buildUnjam(): void {
  const { status, error } = spawnSync("npm", ["run", "build", "--silent"], {
    cwd: ROOT,
    // Standard output belongs to the figures.
    stdio: ["ignore", 2, 2],
  });
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Error(`npm run build ended with ${status}; --no-build measures dist/ as it is`);
}

/**
 * A relative link, not `"unjam": "file:.."`: with that the lockfile would hold a copy of the root's
 * manifest and grow stale with each change of it.
 */
export function linkUnjam(): void {
  const link = `${MODULES}/unjam`;
  if (existsSync(link)) return;
  mkdirSync(MODULES, { recursive: true });
  symlinkSync("../..", link, "junction");
}

/** @throws Error naming the peers that are not installed as pinned. */
export function checkPeers(): void {
  const missing = Object.entries(pinned()).filter(([name, version]) => installed(name) !== version);
  if (missing.length === 0) return;
  const words = missing.map(([name, version]) => `${name}@${version}`).join(", ");
  throw new Error(`--peers needs ${words}: npm ci --prefix bench`);
}

/** The peers' versions, for the head of a report. */
export function pinned(): Readonly<Record<string, string>> {
  return read(new URL("package.json", import.meta.url)).dependencies ?? {};
}

function installed(name: string): string | undefined {
  const manifest = `${MODULES}/${name}/package.json`;
  return existsSync(manifest) ? read(manifest).version : undefined;
}

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function read(manifest: string | URL): Manifest {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- npm wrote or read this file.
  return JSON.parse(readFileSync(manifest, "utf8")) as Manifest;
}
