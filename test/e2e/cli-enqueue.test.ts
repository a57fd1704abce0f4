import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { PAYLOAD_BYTES_MAX } from "../../src/core/limits.ts";
import type { JobStatus } from "../../src/index.ts";
import { CommandFolder, TASKS } from "./command.ts";

async function jobsIn(folder: CommandFolder): Promise<readonly JobStatus[]> {
  const { stdout } = await folder.unjam(["jobs", "--json"]);
  return JSON.parse(stdout) as JobStatus[];
}

describe("enqueue", () => {
  it("writes the id alone on stdout, and the rest on stderr", async () => {
    await using folder = new CommandFolder();

    const line = ["enqueue", "resize", '{"width":1}', "--queue", "images"];
    const { code, stdout, stderr } = await folder.unjam(line);

    expect(code).toBe(0);
    expect(stdout).toMatch(/^j_\w+\n$/);
    expect(stderr).toContain('stored in queue "images" of ');
    expect(stderr).toContain("durability power");
    expect(stderr).toContain('no live worker takes jobs from "images"');
    expect(stderr).toMatch(/\nnext {2}unjam worker --tasks \S+ --queues images\n$/);
  });

  it("takes queue, delay, priority, key and id", async () => {
    await using folder = new CommandFolder();
    const flags = ["--delay", "2h", "--priority", "3", "--key", "k", "--id", "order-17"];

    const { stdout } = await folder.unjam(["enqueue", "mail", "[]", "--queue", "m", ...flags]);
    const again = await folder.unjam(["enqueue", "mail", "[]", "--queue", "m", "--key", "k"]);

    expect(stdout).toBe("order-17\n");
    expect(again.code).toBe(0);
    const [job, ...others] = await jobsIn(folder);
    expect(others).toEqual([]);
    expect(job).toMatchObject({ id: "order-17", queue: "m", state: "scheduled", priority: 3 });
    // Counted from the call, which was a little before the job was stored.
    const delayMs = (job?.runAt ?? 0) - (job?.createdAt ?? 0);
    expect(Math.round(delayMs / 60_000)).toBe(120);
  });

  it("takes the queue from the task's module", async () => {
    await using folder = new CommandFolder();

    await folder.unjam(["enqueue", "resize", '{"width":1}', "--tasks", TASKS]);

    expect(await jobsIn(folder)).toMatchObject([{ task: "resize", queue: "images" }]);
  });

  it("reads a large input from stdin, and keeps odd keys as they are", async () => {
    await using folder = new CommandFolder();
    const input = JSON.stringify({ text: "x".repeat(200_000) });

    const large = await folder.unjam(["enqueue", "resize", "-"], { input });
    const odd = await folder.unjam(["enqueue", "resize", '{"__proto__":{"a":1}}', "--json"]);

    expect(large.code).toBe(0);
    expect(odd.code).toBe(0);
    expect(Object.keys(JSON.parse(odd.stdout) as object)).toEqual([
      ...["id", "queue", "place", "durability"],
    ]);
  });

  it("waits for the result, which alone is on stdout", async () => {
    await using folder = new CommandFolder();
    const worker = folder.start(["worker", "--tasks", TASKS]);
    await worker.written("stdout", /^worker /);

    const line = ["enqueue", "resize", '{"width":21}', "--tasks", TASKS, "--wait"];
    const waited = await folder.unjam(line);
    const failed = await folder.unjam(["enqueue", "fail", "{}", "--wait", "20s"]);

    expect(waited).toMatchObject({ code: 0, stdout: '{"bytes":42}\n' });
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toContain("[UNJAM_JOB_FAILED]");
  });

  it("ends with 124 when the wait is over and the job is not", async () => {
    await using folder = new CommandFolder();

    const { code, stdout, stderr } = await folder.unjam(["enqueue", "x", "1", "--wait=50ms"]);

    expect(code).toBe(124);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^stored as j_\w+\nno live worker takes jobs from "default"\n/);
    expect(stderr).toContain("[UNJAM_WAIT_TIMEOUT]");
  });

  it("ends with 130 when it is interrupted, and the job stays", async () => {
    await using folder = new CommandFolder();

    const command = folder.start(["enqueue", "x", "1", "--wait", "60s"]);
    await command.written("stderr", /^stored as /);
    command.signal("SIGINT");

    expect(await command.ended).toMatchObject({ code: 130, stdout: "" });
    expect(await jobsIn(folder)).toMatchObject([{ state: "ready" }]);
  });
});

describe("enqueue refuses", () => {
  it.each([
    ["an input that is not JSON", ["x", "{width:1}"], "UNJAM_PAYLOAD_NOT_JSON"],
    ["an invalid queue name", ["x", "1", "--queue", "my queue"], "UNJAM_QUEUE_NAME_INVALID"],
    ["an unknown task of a module", ["resiez", "1", "--tasks", TASKS], "UNJAM_TASK_UNKNOWN"],
    ["a missing module", ["x", "1", "--tasks", "nope.ts"], "UNJAM_TASK_MODULE_NOT_FOUND"],
    [
      "a queue beside a module",
      ["x", "1", "--tasks", TASKS, "--queue", "q"],
      "UNJAM_INVALID_OPTION",
    ],
    [
      "an input that is too deep",
      ["x", "[".repeat(150) + "]".repeat(150)],
      "UNJAM_PAYLOAD_TOO_DEEP",
    ],
    ["a delay in no unit", ["x", "1", "--delay", "5parsecs"], "UNJAM_INVALID_OPTION"],
    ["a priority beyond 9", ["x", "1", "--priority", "10"], "UNJAM_INVALID_OPTION"],
  ])("%s", async (_, line, expected) => {
    await using folder = new CommandFolder();

    const { code, stdout, stderr } = await folder.unjam(["enqueue", ...line]);

    expect(stderr).toContain(`[${expected}]`);
    expect(stderr.trimEnd().split("\n")).toHaveLength(2);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it("an input above the limit, and takes one at it", async () => {
    await using folder = new CommandFolder();
    const input = (bytes: number): string => JSON.stringify("x".repeat(bytes - 2));

    const fits = await folder.unjam(["enqueue", "x", "-"], { input: input(PAYLOAD_BYTES_MAX) });
    const over = await folder.unjam(["enqueue", "x", "-"], { input: input(PAYLOAD_BYTES_MAX + 1) });

    expect(fits.code).toBe(0);
    expect(over.code).toBe(2);
    expect(over.stderr).toContain("[UNJAM_PAYLOAD_TOO_LARGE]");
    expect(await jobsIn(folder)).toHaveLength(1);
  });

  it("nothing of an input with the keys __proto__ and constructor: it is stored as it is", async () => {
    await using folder = new CommandFolder();
    const input = '{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}}}';

    const { code } = await folder.unjam(["enqueue", "x", input]);

    expect(code).toBe(0);
    using store = new DatabaseSync(join(folder.path, ".unjam/jobs.db"));
    expect(store.prepare("SELECT payload FROM jobs").get()).toEqual({ payload: input });
  });

  it("a module that throws while it loads", async () => {
    await using folder = new CommandFolder();
    writeFileSync(join(folder.path, "broken.ts"), 'throw new Error("no database here");');

    const { code, stderr } = await folder.unjam(["enqueue", "x", "1", "--tasks", "broken.ts"]);

    expect(stderr).toContain("no database here [UNJAM_TASK_MODULE_FAILED]");
    expect(code).toBe(2);
  });

  it("the same id for another input", async () => {
    await using folder = new CommandFolder();

    await folder.unjam(["enqueue", "x", "1", "--id", "order-17"]);
    const { code, stderr } = await folder.unjam(["enqueue", "x", "2", "--id", "order-17"]);

    expect(stderr).toContain("[UNJAM_ID_TAKEN]");
    expect(code).toBe(1);
  });
});
