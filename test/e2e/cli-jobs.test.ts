import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { CommandFolder, TASKS } from "./command.ts";

/** One store for the file: a worker has done one job, failed one, and holds none. */
const folder = new CommandFolder();
const ids = { done: "", dead: "", waiting: "" };

async function json<T>(...line: string[]): Promise<T> {
  const { stdout, stderr } = await folder.unjam([...line, "--json"]);
  expect(stderr).toBe("");
  return JSON.parse(stdout) as T;
}

async function enqueued(...line: string[]): Promise<string> {
  const { code, stdout } = await folder.unjam(["enqueue", ...line]);
  expect(code).toBe(0);
  return stdout.trim();
}

beforeAll(async () => {
  const worker = folder.start(["worker", "--tasks", TASKS, "--queues", "images,default"]);
  await worker.written("stdout", /^worker /);
  ids.done = await enqueued("resize", '{"width":21}', "--tasks", TASKS);
  ids.dead = await enqueued("fail", "{}");
  for (const id of [ids.done, ids.dead]) {
    // Settled either way: the wait ends when the job does.
    await folder.node([
      "-e",
      `import("${new URL("../../src/index.ts", import.meta.url).href}").then(async ({ open }) => {
        const app = await open({ work: false });
        await app.job("${id}").result().catch(() => undefined);
        await app.close();
      })`,
    ]).ended;
  }
  worker.signal("SIGTERM");
  expect(await worker.ended).toMatchObject({ code: 0 });
  ids.waiting = await enqueued("gate", "{}", "--queue", "gates");
  return () => folder[Symbol.asyncDispose]();
});

describe("jobs", () => {
  it("lists jobs with their states, and the next command", async () => {
    const { code, stdout, stderr } = await folder.unjam(["jobs"]);

    expect(code).toBe(0);
    expect(stdout).toMatch(/^ID +STATE +TASK +QUEUE +ATTEMPT +AGE\n/);
    expect(stdout).toMatch(new RegExp(`^${ids.done} +done +resize +images +1 `, "m"));
    expect(stdout).toMatch(new RegExp(`^${ids.waiting} +ready +gate +gates +0 `, "m"));
    expect(stderr).toMatch(/^next {2}unjam jobs show j_\w+\n$/);
  });

  it("filters by queue and state", async () => {
    expect(await json("jobs", "--queue", "images")).toMatchObject([{ id: ids.done }]);
    expect(await json("jobs", "--state", "dead")).toMatchObject([{ id: ids.dead }]);
    expect(await json("jobs", "ls", "--queue", "nobody")).toEqual([]);
  });

  it("gives pages, and the command for the next one", async () => {
    const { stdout, stderr } = await folder.unjam(["jobs", "--limit", "1"]);
    const after = /--after (\S+)/.exec(stderr)?.[1] ?? "";

    expect(stdout).toContain(ids.done);
    expect(stderr).toBe(`next  unjam jobs --limit 1 --after ${ids.done}\n`);
    expect(await json("jobs", "--limit", "1", "--after", after)).toMatchObject([{ id: ids.dead }]);
  });

  it("shows no control characters of a job's error", async () => {
    const { stdout } = await folder.unjam(["jobs", "show", ids.dead]);

    expect(stdout).toContain("Error: no  [31msuch [0m image");
    expect(stdout).not.toContain("\u001B");
  });
});

describe("jobs show", () => {
  it("shows one job with its result", async () => {
    const { code, stdout } = await folder.unjam(["jobs", "show", ids.done]);

    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^job ${ids.done} {3}resize {3}queue images {3}done$`, "m"));
    expect(stdout).toMatch(/^result +\{"bytes":42\}$/m);
    expect(await json("jobs", "show", ids.done)).toMatchObject({ result: { bytes: 42 } });
  });

  it("offers another round for a dead one", async () => {
    const { stderr } = await folder.unjam(["jobs", "show", ids.dead]);

    expect(stderr).toBe(`next  unjam jobs retry ${ids.dead}\n`);
  });

  it("says that there is no such job", async () => {
    const { code, stderr } = await folder.unjam(["jobs", "show", "order-17"]);

    expect(code).toBe(1);
    expect(stderr).toContain("[UNJAM_JOB_UNKNOWN]");
  });
});

describe("jobs retry and cancel", () => {
  it("say how many and refuse where nobody can be asked", async () => {
    const { code, stderr } = await folder.unjam(["jobs", "cancel", ids.waiting]);

    expect(code).toBe(2);
    expect(stderr).toContain("--yes to be given to cancel 1 job (1 ready)");
    expect(await json("jobs", "show", ids.waiting)).toMatchObject({ state: "ready" });
  });

  it("do nothing to any when one of the ids is unknown", async () => {
    const line = ["jobs", "cancel", ids.waiting, "nobody", "--yes"];
    const { code, stderr } = await folder.unjam(line);

    expect(code).toBe(1);
    expect(stderr).toContain('no job "nobody" in this store [UNJAM_JOB_UNKNOWN]');
    expect(await json("jobs", "show", ids.waiting)).toMatchObject({ state: "ready" });
  });

  it("change what can be changed, and name what was left", async () => {
    const cancelled = await folder.unjam(["jobs", "cancel", ids.waiting, ids.done, "-y"]);

    expect(cancelled.code).toBe(1);
    expect(cancelled.stdout).toBe(`${ids.waiting} is cancelled\n`);
    expect(cancelled.stderr).toContain(`${ids.done} is done: left as it is`);
    expect(await json("jobs", "retry", ids.waiting, "--yes")).toEqual({
      retried: [ids.waiting],
      unchanged: [],
    });
    expect(await json("jobs", "show", ids.waiting)).toMatchObject({ state: "ready" });
  });
});

describe("queues", () => {
  it("shows who waits where, and that nobody listens", async () => {
    const { code, stdout, stderr } = await folder.unjam(["queues"]);

    expect(code).toBe(0);
    expect(stdout).toMatch(/^gates +1 +0 +0 +0 +0 +0 +100000 +0 +nobody listening$/m);
    expect(stdout).toMatch(/^images +0 +0 +0 +0 +1 +0 +100000 +0 +idle$/m);
    expect(stderr).toBe("next  unjam worker --tasks ./tasks.ts --queues gates\n");
  });

  it("pauses and resumes one that is there", async () => {
    expect(await json("queues", "pause", "gates")).toEqual({ queue: "gates", paused: true });
    expect((await folder.unjam(["queues", "ls"])).stdout).toMatch(/^gates .* paused$/m);
    expect(await json("queues", "resume", "gates")).toEqual({ queue: "gates", paused: false });
    expect((await folder.unjam(["queues"])).stdout).toMatch(/^gates .* nobody listening$/m);
  });

  it("does not make a queue of a slip", async () => {
    const { code, stderr } = await folder.unjam(["queues", "pause", "gatse"]);

    expect(code).toBe(2);
    expect(stderr).toContain('<queue> to be one of default, gates, images, not "gatse"');
    expect(await json<object[]>("queues")).toHaveLength(3);
  });
});

describe("a look at a store that is not there", () => {
  it.each([
    [["jobs"]],
    [["jobs", "show", "j_1"]],
    [["jobs", "retry", "j_1", "--yes"]],
    [["jobs", "cancel", "j_1", "--yes"]],
    [["queues"]],
    [["queues", "pause", "images"]],
  ])("is refused and makes none: %j", async (line) => {
    await using empty = new CommandFolder();

    const { code, stderr } = await empty.unjam(line);

    expect(stderr).toContain("[UNJAM_STORE_MISSING]");
    expect(code).toBe(4);
    expect(existsSync(join(empty.path, ".unjam"))).toBe(false);
  });
});
