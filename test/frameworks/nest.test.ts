import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FrameworkProject, HELLO, SUM } from "./framework-project.ts";
import { Server, succeed } from "./program.ts";
import { pageFile, recipe } from "./recipe.ts";
import { VERSIONS } from "./versions.ts";

const RUN_MS_MAX = 60_000;

describe(`the small app inside Nest ${VERSIONS["@nestjs/core"]}`, () => {
  const project = new FrameworkProject();
  const limits = { folder: project.folder, limitMs: RUN_MS_MAX };

  beforeAll(async () => {
    await project.install([
      ...["@nestjs/common", "@nestjs/core", "@nestjs/platform-express"],
      ...["reflect-metadata", "rxjs", "typescript", "@types/node"],
    ] as const);
    project.write({ "tasks.ts": pageFile("tasks.ts"), ...recipe("nest") });
    await succeed(["tsc"], limits);
  });
  afterAll(() => project[Symbol.dispose]());

  it("answers from the loop and from a thread, and is closed by Nest's shutdown", async () => {
    await using server = await Server.start(["node", "dist/main.js"], {
      ...limits,
      env: { PORT: "0" },
    });

    const response = await fetch(`${server.url}/jobs?name=Ada`);
    const ended = await server.stop();

    expect([response.status, await response.json()]).toEqual([200, [HELLO, SUM]]);
    expect(ended).toMatchObject({ signal: "SIGTERM", stderr: "" });
    expect(ended.stdout).toMatch(/^closed$/m);
  });

  it("is CommonJS", async () => {
    const { stdout } = await succeed(["grep", "-c", 'require("unjam")', "dist/main.js"], limits);

    expect(stdout).toBe("1\n");
  });
});
