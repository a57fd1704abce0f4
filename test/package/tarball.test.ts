import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { outsideEnvironment, readManifest, ROOT } from "../../scripts/packed-project.ts";
import { deadLinks } from "./page-links.ts";
import type { SpawnSyncReturns } from "node:child_process";

const folder = inject("emptyProject");
const installed = join(folder, "node_modules/unjam");
const { version } = readManifest();

const CODE = /^dist\/.+(?<!\.test)\.(?:js|d\.ts)$|^bin\/unjam\.js$|^package\.json$/;
const READING =
  /^(?:README|CHANGELOG|ARCHITECTURE)\.md$|^LICENSE$|^docs\/.+\.md$|^examples\/(?:.+\.(?:md|ts|jpg|png)|tsconfig\.json)$/;

/** All entries and their types together; a program loads only what it imports. */
const CODE_BYTES_MAX = 1_750_000;
/** What only people read. */
const READING_BYTES_MAX = 400_000;
/** A program that closed its app ends by itself, and soon; a forgotten timer would keep it alive. */
const PROGRAM_MS_MAX = 10_000;

/** Writes a program into the empty project and runs it with this Node. */
function runProgram(name: string, lines: readonly string[]): SpawnSyncReturns<string> {
  writeFileSync(join(folder, name), lines.join("\n"));
  return spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", name], {
    cwd: folder,
    encoding: "utf8",
    env: outsideEnvironment(),
    timeout: PROGRAM_MS_MAX,
  });
}

/** A command that the repository has installed, on the tarball. */
function runTool(name: string, argv: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(join(ROOT, "node_modules/.bin", name), argv, { cwd: ROOT, encoding: "utf8" });
}

function filesOf(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(root, name)).isFile())
    .toSorted();
}

describe("the tarball", () => {
  it("has no fault that publint knows", () => {
    const { status, stdout } = runTool("publint", ["run", inject("tarball"), "--strict"]);

    expect(status, stdout).toBe(0);
  });

  it("has types that fit its code at every entry", () => {
    const { status, stdout } = runTool("attw", [inject("tarball"), "--profile", "esm-only"]);

    expect(status, stdout).toBe(0);
  });

  it("holds the compiled package, its command, licence, pages and examples, and nothing else", () => {
    const unexpected = filesOf(installed).filter((name) => !CODE.test(name) && !READING.test(name));

    expect(unexpected).toEqual([]);
    expect(filesOf(installed)).toEqual(
      expect.arrayContaining(["CHANGELOG.md", "LICENSE", "README.md", "bin/unjam.js"]),
    );
  });

  it.each([
    ["code", CODE, CODE_BYTES_MAX],
    ["pages and examples", READING, READING_BYTES_MAX],
  ])("has %s that matches %s of at most %i bytes", (_what, pattern, bytesMax) => {
    const bytes = filesOf(installed)
      .filter((name) => pattern.test(name))
      .reduce((sum, name) => sum + statSync(join(installed, name)).size, 0);

    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(bytesMax);
  });

  it("has pages whose links lead to a file, a folder or a heading that is in it", () => {
    const pages = filesOf(installed).filter((name) => name.endsWith(".md"));

    expect(pages).toEqual(expect.arrayContaining(["README.md", "docs/sync.md"]));
    expect(pages.flatMap((page) => deadLinks(installed, page))).toEqual([]);
  });
});

describe("the installed package", () => {
  it("is imported by name", () => {
    const { stdout, stderr } = runProgram("import.js", [
      'import { giveUp, handle, isUnjamError, open, retryIn, task, UnjamError } from "unjam";',
      "console.log([task, open, handle, retryIn, giveUp, UnjamError, isUnjamError].map((e) => typeof e).join());",
    ]);

    expect(stderr).toBe("");
    expect(stdout).toBe(`${Array(7).fill("function").join()}\n`);
  });

  it.each(["unjam/sync", "unjam/threads", "unjam/testing", "unjam/fastify", "unjam/express"])(
    "has the entry %s",
    (entry) => {
      const name = `${entry.replace("/", "-")}.js`;
      const { stdout, stderr } = runProgram(name, [
        `import * as entry from "${entry}";`,
        'console.log(Object.keys(entry).length > 0 && !("default" in entry));',
      ]);

      expect(stderr).toBe("");
      expect(stdout).toBe("true\n");
    },
  );

  it("can be required from CommonJS", () => {
    const { stdout, stderr } = runProgram("require.cjs", [
      'const { open, task } = require("unjam");',
      "console.log(typeof open, typeof task);",
    ]);

    expect(stderr).toBe("");
    expect(stdout).toBe("function function\n");
  });

  it("keeps what it does not export to itself", () => {
    const { stderr } = runProgram("inside.js", ['import "unjam/dist/core/errors.js";']);

    expect(stderr).toContain("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });

  it("passes the smoke test that CI runs on the other Node versions", () => {
    const smoke = readFileSync(join(ROOT, "scripts/node-matrix/smoke.js"), "utf8");

    const { status, stdout, stderr } = runProgram("smoke.js", [smoke]);

    expect(stderr).toBe("");
    expect(stdout).toBe("memory: 42\nsqlite:smoke.db 42\ntrue\ntrue\n");
    expect(status).toBe(0);
  });

  it("has types that a strict TypeScript project compiles against", () => {
    writeFileSync(
      join(folder, "typed.ts"),
      [
        'import { isUnjamError, open, retryIn, task } from "unjam";',
        'import type {} from "unjam/testing";',
        'const resize = task("resize", {}, async (input: { width: number }) => {',
        "  if (input.width < 0) throw retryIn(1_000);",
        "  return { bytes: input.width };",
        "});",
        'const app = await open({ store: "memory:", tasks: [resize] });',
        "try {",
        "  const job = await app.enqueue(resize, { width: 1 });",
        "  const { bytes } = await job.result({ waitMs: 1_000 });",
        "  const rounded: number = Math.round(bytes);",
        "  // @ts-expect-error -- a width is a number",
        '  await app.enqueue(resize, { width: "wide" });',
        "  console.log(rounded);",
        "} catch (error) {",
        '  if (isUnjamError(error, "UNJAM_QUEUE_FULL")) console.log(error.details.capacity);',
        "} finally {",
        "  await app.close();",
        "}",
      ].join("\n"),
    );
    const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
    const flags =
      "--strict --noEmit --module nodenext --target es2024 --lib es2024,esnext.disposable";
    const { stdout } = spawnSync(
      process.execPath,
      [
        compiler,
        ...flags.split(" "),
        "--types",
        "node",
        "--typeRoots",
        join(ROOT, "node_modules/@types"),
        "typed.ts",
      ],
      { cwd: folder, encoding: "utf8" },
    );

    expect(stdout).toBe("");
  });

  it("brings examples that run where they are copied to", () => {
    cpSync(join(installed, "examples/batch"), join(folder, "batch"), { recursive: true });

    const { status, stderr } = spawnSync(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", "batch/main.ts"],
      { cwd: folder, encoding: "utf8", env: outsideEnvironment(), timeout: PROGRAM_MS_MAX },
    );

    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  it("puts the command unjam into node_modules/.bin", () => {
    const output = execFileSync(
      process.execPath,
      [join(folder, "node_modules/.bin/unjam"), "--version"],
      { encoding: "utf8" },
    );

    expect(output.trim()).toBe(version);
  });
});

describe("the command on a Node that is too old", () => {
  it("says in one line which one it needs, and ends with the exit code of a usage error", () => {
    const home = mkdtempSync(join(tmpdir(), "unjam-too-old-"));
    mkdirSync(join(home, "bin"));
    cpSync(join(installed, "bin/unjam.js"), join(home, "bin/unjam.js"));
    writeFileSync(
      join(home, "package.json"),
      JSON.stringify({ type: "module", engines: { node: "^22.99.0 || >=99.1.0" } }),
    );

    const { status, stderr } = spawnSync(process.execPath, [join(home, "bin/unjam.js")], {
      encoding: "utf8",
    });
    rmSync(home, { recursive: true });

    expect(stderr).toBe(`unjam needs Node ^22.99.0 || >=99.1.0, and this is ${process.version}.\n`);
    expect(status).toBe(2);
  });
});
