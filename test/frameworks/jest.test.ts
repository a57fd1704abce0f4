import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OTHER_NODES } from "../../scripts/node-matrix/other-nodes.ts";
import { FrameworkProject } from "./framework-project.ts";
import { run } from "./program.ts";
import { pageFile, recipe } from "./recipe.ts";
import { VERSIONS } from "./versions.ts";

const RUN_MS_MAX = 60_000;

const MODULE_TEST = `
import { open } from "unjam";
import { JoinableQueue } from "unjam/sync";
import { openTest } from "unjam/testing";
import { greet, sum } from "./tasks.mts";

test("greets and sums in an ES module", async () => {
  const app = await open({ tasks: new URL("./tasks.mts", import.meta.url) });
  const jobs = [await app.enqueue(greet, { name: "Ada" }), await app.enqueue(sum, { upTo: 100 })];

  expect(await jobs[1].result()).toBe("5050, from a job thread");
  expect(await jobs[0].result()).toBe("hello Ada, from the main thread");
  await app.close();
});

test("has its other entries in an ES module too", async () => {
  const jobs = await openTest({ tasks: [greet] });
  const job = await jobs.app.enqueue(greet, { name: "Ada" }, { delayMs: 60_000 });
  await jobs.clock.advance(60_000);
  const queue = new JoinableQueue({ capacity: 1 });
  queue.consume(async (item) => item);
  await queue.put(1);

  expect(await job.result()).toBe("hello Ada, from the main thread");
  expect(await queue.join()).toMatchObject({ done: 1, failed: 0 });
  queue.close();
  await jobs.close();
});
`;

/** Under jest a test has globals of its own, so that Node's errors are no Error there. */
const REALM_TEST = `
const { readFileSync } = require("node:fs");
const { isUnjamError, task } = require("unjam");
const { openTest } = require("unjam/testing");

test("keeps the name and code of an error that Node threw", async () => {
  const read = task("read", { attempts: 1 }, () => readFileSync("missing"));
  const jobs = await openTest({ tasks: [read] });
  const job = await jobs.app.enqueue(read, {});

  const error = await job.result().catch((reason) => reason);

  expect(isUnjamError(error, "UNJAM_JOB_FAILED")).toBe(true);
  expect(error.cause).toMatchObject({ name: "Error", code: "ENOENT" });
  await jobs.close();
});

test("goes on under jest's fake timers", async () => {
  jest.useFakeTimers();
  const tick = task("tick", {}, () => "ticked");
  const jobs = await openTest({ tasks: [tick] });
  const job = await jobs.app.enqueue(tick, {}, { delayMs: 1_000 });

  await jobs.clock.advance(1_000);

  expect(await job.result()).toBe("ticked");
  await jobs.close();
  jest.useRealTimers();
});
`;

describe(`the small app under jest ${VERSIONS.jest}`, () => {
  const project = new FrameworkProject();

  beforeAll(async () => {
    await project.install(["jest"]);
    project.write({ ...recipe("jest"), "tasks.mts": pageFile("tasks.ts") });
    project.write({ "module.test.mjs": MODULE_TEST, "realm.test.js": REALM_TEST });
  });
  afterAll(() => project[Symbol.dispose]());

  it("passes its tests in CommonJS and in ES modules, and jest ends by itself", async () => {
    const { code, stderr } = await project.script("test.sh", RUN_MS_MAX);

    expect(stderr).toMatch(/^Tests: +6 passed, 6 total$/m);
    expect(code).toBe(0);
  });

  it.each(OTHER_NODES)(
    "passes its tests in ES modules on $version, as on every Node that unjam supports",
    async ({ node }) => {
      const jest = ["--experimental-vm-modules", "node_modules/jest/bin/jest.js"];
      const { code, stderr } = await run([node, ...jest, "module.test.mjs"], {
        folder: project.folder,
        limitMs: RUN_MS_MAX,
      });

      expect(stderr).toMatch(/^Tests: +2 passed, 2 total$/m);
      expect(code).toBe(0);
    },
  );

  it("is refused by a jest without ES modules, which says what it needs", async () => {
    const { code, stderr } = await run(["jest", "jobs.test.js"], {
      folder: project.folder,
      limitMs: RUN_MS_MAX,
    });

    expect(stderr).toContain("Must use import to load ES Module");
    expect(stderr).toContain("require(esm)");
    expect(code).toBe(1);
  });
});
