import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { documentedPages, readCodeBlocks } from "../../scripts/docs/code-blocks.ts";
import { runBlock, writeBlock } from "../../scripts/docs/run-block.ts";
import { ROOT } from "../../scripts/packed-project.ts";

const BLOCK_MS_MAX = 30_000;

const pages = documentedPages(ROOT).map((page, index) => ({
  page,
  blocks: readCodeBlocks(ROOT, page),
  folder: join(inject("docsProject"), `page-${index}`),
}));

it.for(["README.md", "src/sync/guard.ts"])("%s has code that a reader can run", (name) => {
  const found = pages.find(({ page }) => page === name);

  expect(found?.blocks.filter(({ excuse }) => excuse === null) ?? []).not.toEqual([]);
});

describe.each(pages)("$page", ({ blocks, folder }) => {
  mkdirSync(folder, { recursive: true });
  const runnable = blocks.filter(({ excuse }) => excuse === null);

  it.for(runnable)("line $line: $file runs", async (block) => {
    const settings = { folder, node: process.execPath, limitMs: BLOCK_MS_MAX };

    const { failure } = await runBlock(settings, block);

    expect(failure).toBeNull();
  });

  it("has code that type-checks", () => {
    // What needs a framework is compiled with it, by test/frameworks.
    const files = blocks.filter(
      ({ file, excuse }) => /\.[mc]?ts$/.test(file) && excuse?.includes("test/frameworks") !== true,
    );
    for (const block of files) writeBlock({ folder }, block);
    writeFileSync(join(folder, "tsconfig.json"), tsconfig(files.map(({ file }) => file)));

    const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
    const { stdout } = spawnSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8" });

    expect(files.length === 0 ? "" : stdout).toBe("");
  });
});

function tsconfig(files: readonly string[]): string {
  return JSON.stringify({
    compilerOptions: {
      target: "es2024",
      lib: ["es2024", "esnext.disposable"],
      module: "nodenext",
      moduleDetection: "force",
      types: ["node"],
      typeRoots: [join(ROOT, "node_modules/@types")],
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
    },
    files,
  });
}
