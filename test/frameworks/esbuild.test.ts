import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FrameworkProject, HELLO, SUM } from "./framework-project.ts";
import { run, succeed } from "./program.ts";
import { pageFile, recipe } from "./recipe.ts";
import { VERSIONS } from "./versions.ts";

const RUN_MS_MAX = 60_000;

/** The same with the module named as a CommonJS bundle must, and errors as their codes. */
const SAFE_MAIN = `
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isUnjamError, open } from "unjam";
import { greet, sum } from "./tasks.ts";

async function main() {
  const app = await open({ tasks: pathToFileURL(join(process.argv[2]!, "tasks.js")) });
  const jobs = [await app.enqueue(greet, { name: "Ada" }), await app.enqueue(sum, { upTo: 100 })];
  for (const job of jobs) console.log(await job.result());
  await app.close();
}

main().catch((error) => {
  console.log(isUnjamError(error) ? error.code + ": " + error.help : error);
  process.exitCode = 1;
});
`;

describe(`the small app bundled by esbuild ${VERSIONS.esbuild}`, () => {
  const project = new FrameworkProject();
  const { folder } = project;

  /** Bundles SAFE_MAIN into a folder of its own and runs it there. */
  async function bundled(entries: readonly string[], flags: readonly string[]): Promise<string> {
    const out = `out-${flags.join("").replaceAll(/\W+/g, "-")}-${entries.length}`;
    const kind = flags.includes("--format=cjs") ? "commonjs" : "module";
    project.write({ [`${out}/package.json`]: JSON.stringify({ type: kind }) });
    const common = ["--bundle", "--platform=node", "--log-level=warning", `--outdir=${out}`];
    const limits = { folder, limitMs: RUN_MS_MAX };
    await succeed(["esbuild", ...entries, ...common, ...flags], limits);
    return (await run(["node", `${out}/safe-main.js`, `${folder}/${out}`], limits)).stdout;
  }

  beforeAll(async () => {
    await project.install(["esbuild"], { type: "module" });
    project.write({ "main.ts": pageFile("main.ts"), "tasks.ts": pageFile("tasks.ts") });
    project.write({ "safe-main.ts": SAFE_MAIN, ...recipe("esbuild") });
  });
  afterAll(() => project[Symbol.dispose]());

  it("runs with unjam left outside", async () => {
    const { stdout } = await project.script("build.sh", RUN_MS_MAX);

    expect(stdout).toBe(`${HELLO}\n${SUM}\n`);
  });

  it("runs as CommonJS with unjam left outside", async () => {
    const flags = ["--format=cjs", "--external:unjam"];

    expect(await bundled(["safe-main.ts", "tasks.ts"], flags)).toBe(`${HELLO}\n${SUM}\n`);
  });

  it.each(["esm", "cjs"])("says what to do when unjam is in the %s bundle", async (format) => {
    const output = await bundled(["safe-main.ts", "tasks.ts"], [`--format=${format}`]);

    expect(output).toMatch(/^UNJAM_THREAD_ENTRY_MISSING: .*--external:unjam/);
  });

  it("says what to do when the tasks are no entry of their own", async () => {
    const output = await bundled(["safe-main.ts"], ["--format=esm", "--external:unjam"]);

    expect(output).toMatch(/^UNJAM_TASK_MODULE_NOT_FOUND: .*entry of its own/);
  });
});
