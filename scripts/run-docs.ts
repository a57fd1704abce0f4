/**
 * Runs the code blocks of README.md and docs/, and each `@example` of the sources, against the
 * packed package: each page or source file in a folder of its own, each block after the one before.
 *
 *     node scripts/run-docs.ts [--node <path>] [--project <folder>] [--limit-ms <ms>]
 *
 * `--node` is the Node to run them with, default this one; `--project` a project that has the
 * package installed, default a new one made from dist/; `--limit-ms` the time for one block.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { documentedPages, readCodeBlocks } from "./docs/code-blocks.ts";
import { runBlock } from "./docs/run-block.ts";
import { linkDevDependencies, packProject, ROOT } from "./packed-project.ts";
import type { RunSettings } from "./docs/run-block.ts";

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

async function runPage(page: string, settings: RunSettings): Promise<Tally> {
  let passed = 0;
  let failed = 0;
  for (const block of readCodeBlocks(ROOT, page)) {
    const where = `${page}:${block.line} ${block.file}`;
    if (block.excuse !== null) {
      console.log(`not run  ${where}: ${block.excuse}`);
      continue;
    }
    const { failure, tookMs } = await runBlock(settings, block);
    if (failure === null) passed += 1;
    else failed += 1;
    console.log(`${failure === null ? "ran     " : "FAILED  "} ${where} (${tookMs} ms)`);
    if (failure !== null) console.log(failure);
  }
  return { passed, failed };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      node: { type: "string", default: process.execPath },
      project: { type: "string" },
      "limit-ms": { type: "string", default: "30000" },
    },
  });
  using packed = values.project === undefined ? packProject() : null;
  const project = values.project ?? packed?.folder ?? "";
  linkDevDependencies(project);

  let total: Tally = { passed: 0, failed: 0 };
  for (const [index, page] of documentedPages(ROOT).entries()) {
    const folder = join(project, `page-${index}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    const tally = await runPage(page, {
      folder,
      node: values.node,
      limitMs: Number(values["limit-ms"]),
    });
    total = { passed: total.passed + tally.passed, failed: total.failed + tally.failed };
  }
  console.log(`docs: ${total.passed} blocks ran, ${total.failed} failed, with ${values.node}`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

process.exitCode = await main();
