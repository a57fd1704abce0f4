import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FrameworkProject } from "./framework-project.ts";
import { run } from "./program.ts";
import { PAGE, pageFile } from "./recipe.ts";
import { VERSIONS } from "./versions.ts";

const RUN_MS_MAX = 60_000;

describe("unjam/testing", () => {
  const project = new FrameworkProject();
  const limits = { folder: project.folder, limitMs: RUN_MS_MAX };

  beforeAll(async () => {
    await project.install(["vitest"], { type: "module" });
    project.write({ "node/mail.test.ts": pageFile("mail.test.ts") });
    project.write({ "vitest/mail.test.ts": pageFile("vitest/mail.test.ts") });
  });
  afterAll(() => project[Symbol.dispose]());

  it("works inside node:test, which ends by itself", async () => {
    const { code, stdout } = await run(["node", "--test", "node/mail.test.ts"], limits);

    expect(stdout).toMatch(/pass 3\b/);
    expect(code).toBe(0);
  });

  it(`works inside vitest ${VERSIONS.vitest}`, async () => {
    const { code, stdout } = await run(["vitest", "run", "--dir", "vitest"], limits);

    expect(stdout).toMatch(/mail\.test\.ts \(1 test\)/);
    expect(code).toBe(0);
  });
});

describe("docs/frameworks.md", () => {
  it.each([
    ["TypeScript", VERSIONS.typescript],
    ["esbuild", VERSIONS.esbuild],
    ["Nest", VERSIONS["@nestjs/core"]],
    ["Next.js", VERSIONS.next],
    ["jest", VERSIONS.jest],
    ["vitest", VERSIONS.vitest],
  ])("names the version of %s that is tested, %s", (name, version) => {
    expect(PAGE.replaceAll("\n", " ")).toContain(`${name} ${version}`);
  });
});
