import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inject } from "vitest";
import { run, type Ended, succeed } from "./program.ts";
import { type PackageName, VERSIONS } from "./versions.ts";

/** The largest, Next.js with its compiler, takes ten seconds with an empty cache on a good line. */
const INSTALL_MS_MAX = 240_000;

/** What the small app prints, wherever it runs. */
export const HELLO = "hello Ada, from the main thread";
export const SUM = "5050, from a job thread";

/** A project of a user's, outside of this repository, with the packed unjam and a framework. */
export class FrameworkProject implements Disposable {
  readonly folder: string;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "unjam-framework-"));
  }

  /** Installs the tarball and these packages, in their exact versions, from npm or its cache. */
  async install(
    packages: readonly PackageName[],
    manifest: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    this.write({ "package.json": JSON.stringify({ name: "app", private: true, ...manifest }) });
    const wanted = packages.map((name) => `${name}@${VERSIONS[name]}`);
    const flags = ["--silent", "--no-audit", "--no-fund", "--prefer-offline", "--save-exact"];
    await succeed(["npm", "install", ...flags, inject("tarball"), ...wanted], {
      folder: this.folder,
      limitMs: INSTALL_MS_MAX,
    });
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      const file = join(this.folder, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  /** Runs a shell script of the page, as a reader would who copied it. */
  script(name: string, limitMs: number): Promise<Ended> {
    return run(["bash", "-euo", "pipefail", name], { folder: this.folder, limitMs });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
