import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FrameworkProject, HELLO, SUM } from "./framework-project.ts";
import { run } from "./program.ts";
import { pageFile, recipe } from "./recipe.ts";
import { VERSIONS } from "./versions.ts";

const RUN_MS_MAX = 60_000;

describe(`the small app with TypeScript ${VERSIONS.typescript}`, () => {
  const project = new FrameworkProject();
  const { folder } = project;

  beforeAll(async () => {
    await project.install(["typescript", "@types/node"], { type: "module" });
    project.write({ "main.ts": pageFile("main.ts"), "tasks.ts": pageFile("tasks.ts") });
    project.write(recipe("tsc"));
  });
  afterAll(() => project[Symbol.dispose]());

  it("runs from its source", async () => {
    const { stdout, stderr } = await run(["node", "main.ts"], { folder, limitMs: RUN_MS_MAX });

    expect(stderr).toBe("");
    expect(stdout).toBe(`${HELLO}\n${SUM}\n`);
  });

  it("is compiled by tsc and runs from what that made", async () => {
    const { stdout, stderr } = await project.script("build.sh", RUN_MS_MAX);

    expect(stderr).toBe("");
    expect(stdout).toBe(`${HELLO}\n${SUM}\n`);
  });
});
