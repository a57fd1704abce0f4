import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FrameworkProject, HELLO, SUM } from "./framework-project.ts";
import { Server, succeed } from "./program.ts";
import { pageFile, recipe } from "./recipe.ts";
import { VERSIONS } from "./versions.ts";

const BUILD_MS_MAX = 120_000;

const LAYOUT = `export default function Layout({ children }) {
  return <html lang="en"><body>{children}</body></html>;
}`;

describe(`the small app in a route of Next.js ${VERSIONS.next}`, () => {
  const project = new FrameworkProject();
  const limits = { folder: project.folder, limitMs: BUILD_MS_MAX };

  /** A production build and its server. */
  async function serve(): Promise<Server> {
    await succeed(["next", "build"], limits);
    return Server.start(["next", "start", "--port", "0", "--hostname", "127.0.0.1"], limits);
  }

  beforeAll(async () => {
    await project.install(["next", "react", "react-dom"]);
    project.write({ "jobs/tasks.mts": pageFile("tasks.ts"), "app/layout.js": LAYOUT });
  });
  afterAll(() => project[Symbol.dispose]());

  it("answers from the loop and from a thread, from one app for all requests", async () => {
    project.write(recipe("next"));
    await using server = await serve();

    const answers = await Promise.all(
      [1, 2].map(async () => (await fetch(`${server.url}/api/jobs?name=Ada`)).json()),
    );

    expect(answers).toEqual([
      [HELLO, SUM],
      [HELLO, SUM],
    ]);
  });

  it("says what to do when unjam is in the bundle", async () => {
    project.write({ ...recipe("next"), "next.config.mjs": "export default {};" });
    await using server = await serve();

    const response = await fetch(`${server.url}/api/jobs?name=Ada`);

    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({
      code: "UNJAM_TASK_MODULE_FAILED",
      help: expect.stringContaining("serverExternalPackages") as unknown,
    });
  });
});
