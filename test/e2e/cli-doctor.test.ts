import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CommandFolder, TASKS } from "./command.ts";

interface Report {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly verdict: string;
    readonly found: string;
    readonly fix?: string;
    readonly error?: { readonly code: string };
  }[];
  readonly config?: readonly Readonly<Record<"setting" | "value" | "source" | "name", string>>[];
}

async function examine(
  folder: CommandFolder,
  line: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly report: Report }> {
  const { code, stdout } = await folder.unjam(["doctor", "--json", ...line], { env });
  return { code, report: JSON.parse(stdout) as Report };
}

function found(report: Report, name: string): Report["checks"][number] | undefined {
  return report.checks.find((check) => check.name === name);
}

async function withStore(): Promise<CommandFolder> {
  const folder = new CommandFolder();
  await folder.unjam(["enqueue", "resize", '{"width":1}', "--queue", "images"]);
  return folder;
}

describe("doctor", () => {
  it("looks at machine, disk, store and workers, and passes", async () => {
    await using folder = await withStore();

    const { code, report } = await examine(folder);

    expect(report.ok).toBe(true);
    expect(code).toBe(0);
    expect(report.checks.map(({ name }) => name)).toEqual([
      ...["node", "sqlite", "threads", "file system", "space", "fsync"],
      ...["store", "durability", "clock", "workers", "queues"],
    ]);
    expect(found(report, "node")?.found).toContain(process.version);
    expect(found(report, "sqlite")?.found).toContain(process.versions["sqlite"]);
    expect(found(report, "store")?.found).toContain(join(folder.path, ".unjam", "jobs.db"));
    expect(found(report, "durability")?.found).toMatch(/^power: .*WAL, synchronous=FULL/);
    expect(found(report, "fsync")?.found).toMatch(/^\d+\.\d\d ms \(p50 of 25 writes of 4 KiB\)$/);
  });

  it("leaves nothing behind", async () => {
    await using folder = await withStore();
    const before = readdirSync(join(folder.path, ".unjam"));

    await examine(folder);

    expect(readdirSync(join(folder.path, ".unjam"))).toEqual(before);
  });

  it("on a terminal shows a line for each check, its fix, and the next command", async () => {
    await using folder = await withStore();

    const { stdout, stderr } = await folder.unjam(["doctor"]);

    expect(stdout).toMatch(/^unjam \d+\.\d+\.\d+ {3}node v/);
    expect(stdout).toMatch(/^✓ store +\//m);
    expect(stdout).toMatch(/^! queues +1 queue, 1 waiting.*"images" and nobody listens$/m);
    expect(stdout).toMatch(/^ +fix: unjam worker --tasks \.\/tasks\.ts --queues images$/m);
    expect(stderr).toMatch(/^next {2}unjam /);
  });

  it("counts live workers, and names one that was killed", async () => {
    await using folder = new CommandFolder();
    const worker = folder.start(["worker", "--tasks", TASKS]);
    await worker.written("stdout", /^worker /);

    const living = await examine(folder);
    worker.signal("SIGKILL");
    await worker.ended;
    const lost = await examine(folder);

    const label = `pid ${worker.pid}`;
    expect(found(living.report, "workers")).toMatchObject({
      ...{ verdict: "ok", found: `1 alive (${label})` },
    });
    expect(found(lost.report, "workers")?.found).toMatch(
      new RegExp(`^0 alive, 1 lost in the last hour: ${label} .*process ${worker.pid} is gone`),
    );
    expect(lost.code).toBe(0);
  });

  it("counts a worker that was stopped in order as no loss", async () => {
    await using folder = new CommandFolder();
    const worker = folder.start(["worker", "--tasks", TASKS]);
    await worker.written("stdout", /^worker /);
    worker.signal("SIGTERM");
    await worker.ended;

    const { report } = await examine(folder);

    expect(found(report, "workers")).toMatchObject({ verdict: "ok", found: "0 alive" });
  });

  it("warns of more threads than cores", async () => {
    await using folder = await withStore();

    const { code, report } = await examine(folder, ["--threads", "256"]);

    expect(found(report, "threads")).toMatchObject({ verdict: "warning" });
    expect(code).toBe(0);
  });

  it("warns of a folder in memory", async () => {
    const shared = "/dev/shm";
    expect(existsSync(shared), `${shared} is missing, so this could not be tested`).toBe(true);
    await using folder = new CommandFolder();
    const inMemory = mkdtempSync(join(shared, "unjam-doctor-"));
    const store = ["--store", `sqlite:${join(inMemory, "jobs.db")}`];
    await folder.unjam(["enqueue", "x", "1", ...store]);

    const { report } = await examine(folder, store);
    rmSync(inMemory, { recursive: true });

    expect(found(report, "file system")).toMatchObject({ verdict: "warning" });
    expect(found(report, "file system")?.found).toMatch(
      /^tmpfs at .*: .*a reboot loses every job$/,
    );
  });

  it("says where each setting came from", async () => {
    await using folder = await withStore();
    const env = { UNJAM_THREADS: "1", UNJAM_ENV: "production", UNJAM_QUEUES: "" };

    const line = ["--print-config", "--store", "sqlite:.unjam/jobs.db"];
    const { report } = await examine(folder, line, env);
    const { stdout } = await folder.unjam(["doctor", ...line], { env });

    expect(report.config).toEqual([
      { setting: "store", value: "sqlite:.unjam/jobs.db", source: "flag", name: "--store" },
      {
        setting: "queues",
        value: "every queue of the tasks",
        source: "default",
        name: "UNJAM_QUEUES",
      },
      { setting: "threads", value: "1", source: "environment", name: "UNJAM_THREADS" },
      { setting: "log level", value: "info", source: "default", name: "UNJAM_LOG_LEVEL" },
      { setting: "environment", value: "production", source: "environment", name: "UNJAM_ENV" },
    ]);
    expect(stdout).toMatch(/^threads +1 +environment \(UNJAM_THREADS\)$/m);
  });
});

describe("doctor fails", () => {
  it("with 4 where there is no store, and makes none", async () => {
    await using folder = new CommandFolder();

    const { code, report } = await examine(folder);
    const { stdout } = await folder.unjam(["doctor"]);

    expect(code).toBe(4);
    expect(report.ok).toBe(false);
    expect(found(report, "store")).toMatchObject({
      ...{ verdict: "bad", error: { code: "UNJAM_STORE_MISSING" } },
    });
    expect(stdout).toMatch(/^✗ store +there is no store at .* \[UNJAM_STORE_MISSING\]$/m);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it("with 4 where the store cannot be opened, and still looks at the rest", async () => {
    await using folder = new CommandFolder();
    mkdirSync(join(folder.path, "jobs.db"));

    const { code, report } = await examine(folder, ["--store", "sqlite:jobs.db"]);

    expect(code).toBe(4);
    expect(found(report, "store")?.error?.code).toBe("UNJAM_STORE_FOREIGN");
    expect(found(report, "fsync")?.verdict).toBe("ok");
  });

  it("with 1 where a variable makes no sense", async () => {
    await using folder = await withStore();

    const { code, report } = await examine(folder, [], { UNJAM_THREADS: "two" });

    expect(code).toBe(1);
    expect(found(report, "config")?.error?.code).toBe("UNJAM_INVALID_OPTION");
  });

  it("with 2 where the store is no URL", async () => {
    await using folder = new CommandFolder();

    const { code, report } = await examine(folder, ["--store", "jobs.db"]);

    expect(code).toBe(2);
    expect(found(report, "store")?.error?.code).toBe("UNJAM_STORE_URL_INVALID");
  });
});
