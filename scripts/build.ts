/**
 * Compiles src/ to dist/, one .js and one .d.ts per source file. The folder is swapped in whole, so
 * that a file which was deleted from src/ is never published, and a test that reads dist/ while
 * another build runs never meets half of one.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** @throws when the sources do not type-check; dist/ is then left as it was. */
export function build(): void {
  const cache = join(ROOT, "node_modules/.cache/unjam-build");
  const fresh = join(cache, `new-${process.pid}`);
  const stale = join(cache, `old-${process.pid}`);
  mkdirSync(cache, { recursive: true });
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  try {
    execFileSync(process.execPath, [compiler, "-p", "tsconfig.build.json", "--outDir", fresh], {
      cwd: ROOT,
      stdio: "inherit",
    });
    swapIn(fresh, stale);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(stale, { recursive: true, force: true });
  }
}

/** Another build may swap between our two renames; its dist/ is then moved away like any other. */
function swapIn(fresh: string, stale: string): void {
  const dist = join(ROOT, "dist");
  for (let triesLeft = 5; ; triesLeft -= 1) {
    try {
      rmSync(stale, { recursive: true, force: true });
      if (existsSync(dist)) renameSync(dist, stale);
      renameSync(fresh, dist);
      return;
    } catch (error) {
      if (triesLeft === 0) throw error;
    }
  }
}

if (import.meta.main) {
  try {
    build();
  } catch {
    // The compiler has said what is wrong; a stack of this script would only hide it.
    process.exitCode = 1;
  }
}
