/**
 * The package as its users get it: packed, and installed from the tarball into an empty project
 * outside of this repository. What npm would leave out is missing here too.
 */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT: string = fileURLToPath(new URL("..", import.meta.url));

export interface PackedProject extends Disposable {
  /** A project with `unjam` in its node_modules, and nothing else. */
  readonly folder: string;
  readonly tarball: string;
}

export interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export function readManifest(folder: string = ROOT): Manifest {
  const text = readFileSync(join(folder, "package.json"), "utf8");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own manifest; npm would have refused another shape.
  return JSON.parse(text) as Manifest;
}

/** Packs dist/ as it is (build first) and installs the tarball. Removed when disposed of. */
export function packProject(): PackedProject {
  const home = mkdtempSync(join(tmpdir(), "unjam-packed-"));
  const folder = join(home, "project");
  mkdirSync(folder);
  npm(ROOT, ["pack", "--ignore-scripts", "--silent", "--pack-destination", home]);
  const tarball = join(home, `unjam-${readManifest().version}.tgz`);
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "empty", private: true, type: "module" }),
  );
  // Without dependencies nothing may be fetched; with some, the cache of npm ci has them.
  const network = readManifest().dependencies === undefined ? "--offline" : "--prefer-offline";
  npm(folder, ["install", "--silent", "--no-audit", "--no-fund", network, tarball]);
  return {
    folder,
    tarball,
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** Makes what this repository has installed importable from there too, as examples may need it. */
export function linkDevDependencies(folder: string): void {
  for (const name of Object.keys(readManifest().devDependencies ?? {})) {
    const target = join(ROOT, "node_modules", name);
    const link = join(folder, "node_modules", name);
    // The pinned Node would come before the one that is being tried.
    if (name === "node" || existsSync(link) || !existsSync(target)) continue;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(target, link, "dir");
  }
}

function npm(cwd: string, argv: readonly string[]): void {
  try {
    execFileSync("npm", argv, { cwd, env: outsideEnvironment(), stdio: "pipe", encoding: "utf8" });
  } catch (error) {
    const output = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
    throw new Error(`npm ${argv[0] ?? ""} failed in ${cwd}\n${output}`, { cause: error });
  }
}

/** The environment without what `npm run` and vitest put in: a user's shell has none of it. */
export function outsideEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(?:npm_(?:package|lifecycle|command|execpath|node_execpath)|npm_config_(?:local_)?prefix$|INIT_CWD|NODE_OPTIONS|NODE_ENV|VITEST|FORCE_COLOR|UNJAM_)/i.test(
          name,
        ),
    ),
  );
}
