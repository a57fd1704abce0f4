/**
 * Tries the packed package on the Node versions that it supports besides the pinned one: a smoke
 * test, the command, and every code block of the docs; and the tests of unjam/sync, which reads
 * who awaits whom from V8's stack traces, and those differ from version to version. For CI; needs
 * `npm ci` in this folder and an up-to-date dist/.
 *
 *     node scripts/node-matrix/try-nodes.ts
 */
import { execFile, execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { outsideEnvironment, packProject, readManifest, ROOT } from "../packed-project.ts";
import { OTHER_NODES, type OtherNode } from "./other-nodes.ts";

const HERE = import.meta.dirname;
const SMOKE_OUTPUT = "memory: 42\nsqlite:smoke.db 42\ntrue\ntrue\n";
/** A program that closed its app ends soon; a forgotten timer would keep it alive. */
const CALL_MS_MAX = 10_000;
/** They take 10 s; what hangs is killed. */
const TESTS_MS_MAX = 180_000;
const DOCS_OUTPUT_BYTES_MAX = 2 ** 24;

/** What a program prints, on stdout only; its warnings go to CI's log. */
function output(node: string, argv: readonly string[], cwd: string): string {
  return execFileSync(node, argv, {
    cwd,
    env: outsideEnvironment(),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    timeout: CALL_MS_MAX,
  });
}

function expectEqual(what: string, actual: string, wanted: string): void {
  if (actual !== wanted) {
    throw new Error(`${what}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(actual)}`);
  }
  console.log(`  ${what}: ok`);
}

async function tryPackage({ node, version }: OtherNode): Promise<void> {
  console.log(`Node ${version}`);
  expectEqual("version", output(node, ["--version"], HERE).trim(), version);
  // A fresh project for each, so that no Node meets a file that another has left.
  using project = packProject();
  copyFileSync(join(HERE, "smoke.js"), join(project.folder, "smoke.js"));
  expectEqual("smoke", output(node, ["smoke.js"], project.folder), SMOKE_OUTPUT);
  const command = join(project.folder, "node_modules/unjam/bin/unjam.js");
  expectEqual(
    "command",
    output(node, [command, "--version"], project.folder).trim(),
    readManifest().version,
  );
  const argv = [join(ROOT, "scripts/run-docs.ts"), "--node", node, "--project", project.folder];
  await runDocs(argv);
}

/** Prints what it wrote when it ends, in one piece: two run at once. @throws when a block fails */
async function runDocs(argv: readonly string[]): Promise<void> {
  const run = promisify(execFile)(process.execPath, argv, { maxBuffer: DOCS_OUTPUT_BYTES_MAX });
  run.child.stderr?.pipe(process.stderr);
  try {
    console.log((await run).stdout);
  } catch (error) {
    if (error instanceof Error && "stdout" in error) console.log(error.stdout);
    throw error;
  }
}

/** Leaves a report for scripts/tally.ts. @throws when one fails, or none runs */
function runSyncTests({ node, version }: OtherNode): void {
  const report = `coverage/vitest-sync-${version}.json`;
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const flags = ["--config=vitest.sync.config.ts", "--coverage.enabled=false"];
  const reporters = ["--reporter=dot", "--reporter=json", `--outputFile.json=${report}`];
  execFileSync(node, [vitest, "run", ...flags, ...reporters], {
    cwd: ROOT,
    env: outsideEnvironment(),
    stdio: "inherit",
    timeout: TESTS_MS_MAX,
  });
}

// The blocks of the docs run one after the other and leave a core free; the tests use all of them.
await Promise.all(OTHER_NODES.map(tryPackage));
for (const other of OTHER_NODES) runSyncTests(other);
