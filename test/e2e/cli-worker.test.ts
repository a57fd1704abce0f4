import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CommandFolder, type StartedCommand, TASKS } from "./command.ts";

/** A worker that runs a job which ends when its file is written. */
async function withHeldJob(
  folder: CommandFolder,
): Promise<{ readonly worker: StartedCommand; readonly id: string; readonly open: () => void }> {
  const file = join(folder.path, "open");
  const worker = folder.start(["worker", "--tasks", TASKS]);
  await worker.written("stdout", /^worker /);
  const line = ["enqueue", "gate", JSON.stringify({ file }), "--queue", "gates"];
  const { stdout } = await folder.unjam(line);
  await worker.written("stderr", /the gate is shut/);
  return { worker, id: stdout.trim(), open: () => writeFileSync(file, "") };
}

async function jobIn(folder: CommandFolder, id: string): Promise<object> {
  const { stdout } = await folder.unjam(["jobs", "show", id, "--json"]);
  return JSON.parse(stdout) as object;
}

describe("worker", () => {
  it("says in one line where it works, how safe that is, and on which queues", async () => {
    await using folder = new CommandFolder();
    const store = join(folder.path, ".unjam", "jobs.db");

    const worker = folder.start(["worker", "--tasks", TASKS, "--queues", "images,gates"]);
    await worker.written("stderr", /next/);
    worker.signal("SIGTERM");
    const { code, stdout } = await worker.ended;

    expect(code).toBe(0);
    expect(stdout).toBe(
      `worker ${worker.pid}  store ${store}  durability power  queues images, gates\n`,
    );
  });

  it("under --json says so as data, and logs as data", async () => {
    await using folder = new CommandFolder();

    const worker = folder.start(["worker", "--tasks", TASKS, "--threads", "1", "--json"]);
    await worker.written("stdout", /\n/);
    await folder.unjam(["enqueue", "gate", '{"file":"."}', "--queue", "gates", "--wait"]);
    worker.signal("SIGINT");
    const { code, stdout, stderr } = await worker.ended;

    expect(code).toBe(0);
    const { pid } = worker;
    expect(JSON.parse(stdout)).toMatchObject({ ready: true, pid, durability: "power", threads: 1 });
    expect(JSON.parse(stderr)).toMatchObject({ level: "info", msg: "the gate is shut" });
  });

  it("runs tasks in child processes, as many as --processes says", async () => {
    await using folder = new CommandFolder();
    const none = folder.start(["worker", "--tasks", TASKS, "--processes", "0"]);
    await none.written("stdout", /^worker /);
    const id = (
      await folder.unjam(["enqueue", "whereabouts", "{}", "--queue", "processes"])
    ).stdout.trim();
    const before = await jobIn(folder, id);
    none.signal("SIGTERM");
    await none.ended;

    const worker = folder.start(["worker", "--tasks", TASKS, "--processes", "1"]);
    await expect
      .poll(() => jobIn(folder, id), { timeout: 10_000 })
      .toMatchObject({ state: "done" });
    const after = await jobIn(folder, id);
    worker.signal("SIGTERM");
    await worker.ended;

    expect(before).toMatchObject({ state: "ready" });
    expect(after).not.toMatchObject({ result: worker.pid });
  });

  it.each(["SIGTERM", "SIGINT"] as const)("finishes what runs on %s", async (signal) => {
    await using folder = new CommandFolder();
    const { worker, id, open } = await withHeldJob(folder);

    worker.signal(signal);
    await worker.written("stderr", /stopping within 25s/);
    open();

    expect(await worker.ended).toMatchObject({ code: 0 });
    expect(await jobIn(folder, id)).toMatchObject({ state: "done", attempt: 1 });
  });

  it("hands back what is not over at the end of the grace", async () => {
    await using folder = new CommandFolder();
    const worker = folder.start(["worker", "--tasks", TASKS, "--grace", "0"]);
    await worker.written("stdout", /^worker /);
    const file = join(folder.path, "never");
    const line = ["enqueue", "gate", JSON.stringify({ file }), "--queue", "gates"];
    const { stdout } = await folder.unjam(line);
    await worker.written("stderr", /the gate is shut/);

    worker.signal("SIGTERM");

    expect(await worker.ended).toMatchObject({ code: 0 });
    expect(await jobIn(folder, stdout.trim())).toMatchObject({ state: "ready", attempt: 0 });
  });

  it("ends at once on a second signal, and the next worker does the job again", async () => {
    await using folder = new CommandFolder();
    const { worker, id, open } = await withHeldJob(folder);

    worker.signal("SIGTERM");
    await worker.written("stderr", /stopping within/);
    worker.signal("SIGTERM");
    const { code } = await worker.ended;
    open();
    const next = folder.start(["worker", "--tasks", TASKS]);
    await next.written("stderr", /the gate is shut/);
    next.signal("SIGTERM");
    await next.ended;

    expect(code).toBe(130);
    expect(await jobIn(folder, id)).toMatchObject({ state: "done", losses: 1 });
  });

  it("ends with 3 when its threads die again and again, so that a fresh one can be started", async () => {
    await using folder = new CommandFolder();
    // Of one job's deaths only the first counts, and none of these comes through in between.
    const jobs = "abcdefghijkl".split("").map((id) => ["enqueue", "die", "0", "--id", id]);
    await Promise.all(jobs.map((job) => folder.unjam([...job, "--queue", "deaths"])));

    const { code, stderr } = await folder.unjam(["worker", "--tasks", TASKS]);

    expect(stderr).toMatch(/^unjam: job thread died 11 times in 60000 ms.*\[UNJAM_BROKEN\]$/m);
    expect(code).toBe(3);
  });

  it("takes store, queues, threads and log level from the environment, and flags win", async () => {
    await using folder = new CommandFolder();
    const env = {
      ...{ UNJAM_STORE: "sqlite:other.db", UNJAM_QUEUES: "images", UNJAM_THREADS: "3" },
      UNJAM_LOG_LEVEL: "silent",
    };

    const worker = folder.start(["worker", "--tasks", TASKS, "--threads", "1", "--json"], { env });
    await worker.written("stdout", /\n/);
    worker.signal("SIGTERM");
    const { stdout } = await worker.ended;

    const store = join(folder.path, "other.db");
    expect(JSON.parse(stdout)).toMatchObject({ store, queues: ["images"], threads: 1 });
  });
});

describe("worker refuses", () => {
  it.each([
    ["to run without a module", [], "UNJAM_INVALID_OPTION"],
    ["a module that is not there", ["--tasks", "nope.ts"], "UNJAM_TASK_MODULE_NOT_FOUND"],
    ["a module without tasks", ["--tasks", "empty.ts"], "UNJAM_INVALID_OPTION"],
    ["a module that is broken", ["--tasks", "broken.ts"], "UNJAM_TASK_MODULE_FAILED"],
    [
      "queues that none of its tasks use",
      ["--tasks", TASKS, "--queues", "imgs"],
      "UNJAM_INVALID_OPTION",
    ],
    ["a bad queue name", ["--tasks", TASKS, "--queues", "a b"], "UNJAM_QUEUE_NAME_INVALID"],
    ["a level that is none", ["--tasks", TASKS, "--log-level", "loud"], "UNJAM_INVALID_OPTION"],
    ["a store that is no URL", ["--tasks", TASKS, "--store", "jobs.db"], "UNJAM_STORE_URL_INVALID"],
  ])("%s", async (_, line, expected) => {
    await using folder = new CommandFolder();
    writeFileSync(join(folder.path, "empty.ts"), "export const nothing = 1;");
    writeFileSync(join(folder.path, "broken.ts"), "export const = 1;");

    const { code, stdout, stderr } = await folder.unjam(["worker", ...line]);

    expect(stderr).toContain(`[${expected}]`);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it("a variable that makes no sense, by its name", async () => {
    await using folder = new CommandFolder();

    const env = { UNJAM_THREADS: "two" };
    const { code, stderr } = await folder.unjam(["worker", "--tasks", TASKS], { env });

    expect(stderr).toContain(
      'the environment expects UNJAM_THREADS to be a whole number, not "two"',
    );
    expect(code).toBe(2);
  });
});
