/**
 * Compiles src/ to dist/, one .js and one .d.ts per source file. The folder is swapped in whole, so
 * that a file which was deleted from src/ is never published, and a test that reads dist/ while
 * another build runs never meets half of one. Comments go into the .d.ts files only, where editors
 * show them: in the others they are a third of what every program has to read.
 *
 * The two runtime threads are bundled in place: each starts with every open(), and finding and
 * reading 60 small modules took 15 of its 65 ms. Nothing else may be bundled: what a program
 * imports, also in a job thread, has to be the same module from wherever it is imported.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** @throws when the sources do not type-check; dist/ is then left as it was. */
export async function build(): Promise<void> {
  const cache = join(ROOT, "node_modules/.cache/unjam-build");
  const fresh = join(cache, `new-${process.pid}`);
  const stale = join(cache, `old-${process.pid}`);
  mkdirSync(cache, { recursive: true });
  try {
    compile(fresh, ["--emitDeclarationOnly"]);
    compile(fresh, [
      "--removeComments",
      "--declaration",
      "false",
      "--isolatedDeclarations",
      "false",
    ]);
    await bundleThreads(join(fresh, "runtime"));
    swapIn(fresh, stale);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(stale, { recursive: true, force: true });
  }
}

function compile(folder: string, options: readonly string[]): void {
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const project = ["-p", "tsconfig.build.json", "--outDir", folder];
  execFileSync(process.execPath, [compiler, ...project, ...options], {
    cwd: ROOT,
    stdio: "inherit",
  });
}

async function bundleThreads(folder: string): Promise<void> {
  const input = ["store-thread", "supervisor-thread"].map((name) => join(folder, `${name}.js`));
  const bundle = await rolldown({ input, platform: "node", external: [/^node:/] });
  // Chunks keep what is imported late: a store in memory must not load SQLite.
  await bundle.write({
    dir: folder,
    entryFileNames: "[name].js",
    chunkFileNames: "runtime-chunks/[name].js",
  });
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
    await build();
  } catch {
    // The compiler has said what is wrong; a stack of this script would only hide it.
    process.exitCode = 1;
  }
}
