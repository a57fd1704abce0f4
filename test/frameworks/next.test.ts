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
    // The server in place of the shell, so that it is the server's end which is seen.
    const script = pageFile("next/start.sh").replace("next start", "exec next start");
    project.write({ "start.sh": script });
    return Server.start(["bash", "start.sh"], { ...limits, env: { PORT: "0" } });
  }

  beforeAll(async () => {
    await project.install(["next", "react", "react-dom"]);
    project.write({ "jobs/tasks.mts": pageFile("tasks.ts"), "app/layout.js": LAYOUT });
  });
  afterAll(() => project[Symbol.dispose]());

  it("answers from the loop and from a thread, and is closed before the process ends", async () => {
    project.write(recipe("next"));
    await using server = await serve();

    const answers = await Promise.all(
      [1, 2].map(async () => (await fetch(`${server.url}/api/jobs?name=Ada`)).json()),
    );
    const ended = await server.stop();

    expect(answers).toEqual([
      [HELLO, SUM],
      [HELLO, SUM],
    ]);
    // Next.js itself would have ended with exit code 143; the app raises the signal again.
    expect(ended).toMatchObject({ code: null, signal: "SIGTERM" });
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
