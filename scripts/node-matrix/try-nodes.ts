/**
 * Tries the packed package on the Node versions that it supports besides the pinned one: a smoke
 * test, the command, and every code block of the docs. For CI; needs `npm ci` in this folder and
 * an up-to-date dist/.
 *
 *     node scripts/node-matrix/try-nodes.ts
 */
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { outsideEnvironment, packProject, readManifest, ROOT } from "../packed-project.ts";

const HERE = import.meta.dirname;
const SMOKE_OUTPUT = "memory: 42\nsqlite:smoke.db 42\ntrue\ntrue\n";
/** A program that closed its app ends soon; a forgotten timer would keep it alive. */
const CALL_MS_MAX = 10_000;

/** A Node that is tried, and where it stands. */
interface Candidate {
  readonly node: string;
  readonly version: string;
}

function candidates(): readonly Candidate[] {
  const { dependencies = {} } = readManifest(HERE);
  return Object.entries(dependencies).map(([alias, wanted]) => ({
    node: join(HERE, "node_modules", alias, "bin/node"),
    version: `v${wanted.split("@")[1] ?? ""}`,
  }));
}

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

function tryNode({ node, version }: Candidate): void {
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
  execFileSync(
    process.execPath,
    [join(ROOT, "scripts/run-docs.ts"), "--node", node, "--project", project.folder],
    { stdio: "inherit" },
  );
}

for (const candidate of candidates()) tryNode(candidate);
