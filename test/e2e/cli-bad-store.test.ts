import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CommandEnd,
  CommandFolder,
  type CommandOptions,
  type StartedCommand,
  TASKS,
} from "./command.ts";

const PAGE_BYTES = 4_096;
const JOBS = 200;
const folder = new CommandFolder();
/** A good store with some pages in it, to be copied and spoilt. */
const GOOD = join(folder.path, "good.db");

const INPUT = JSON.stringify("x".repeat(1_000));
/** A look, a change and a worker's way in meet the same file in different places. */
const COMMANDS: readonly (readonly string[])[] = [
  ["jobs"],
  ["enqueue", "x", INPUT],
  ["worker", "--tasks", TASKS],
];

beforeAll(async () => {
  const program = `import("${new URL("../../src/index.ts", import.meta.url).href}").then(
    async ({ open, task }) => {
      const app = await open({ store: "sqlite:good.db", work: false, runtime: "inline" });
      await app.enqueueMany(task("x", { queue: "q" }), Array(${JOBS}).fill(${INPUT}));
      await app.close();
    })`;
  const { code, stderr } = await folder.node(["-e", program]).ended;
  expect(stderr).toBe("");
  expect(code).toBe(0);
  locked = lockOut();
});

/** Each of these waits half a minute for the file, so they begin first and are looked at last. */
async function lockOut(): Promise<{
  readonly holder: StartedCommand;
  readonly seen: Promise<CommandEnd>;
  readonly refused: readonly Promise<CommandEnd>[];
}> {
  const file = copyOfGood("locked.db");
  const holder = folder.node([
    "-e",
    `const { DatabaseSync } = require("node:sqlite");
     const store = new DatabaseSync(${JSON.stringify(file)});
     store.exec("BEGIN EXCLUSIVE");
     console.log("held");
     setInterval(() => undefined, 1_000);`,
  ]);
  await holder.written("stdout", /held/);
  const seen = folder.unjam(["jobs", "--store", "sqlite:locked.db"]);
  const refused = COMMANDS.map((line) =>
    folder.unjam([...line, "--store", `sqlite:${file}`, "--json"]),
  );
  return { holder, seen, refused };
}

let locked: ReturnType<typeof lockOut>;

afterAll(() => folder[Symbol.asyncDispose]());

function copyOfGood(name: string): string {
  const file = join(folder.path, name);
  copyFileSync(GOOD, file);
  return file;
}

/** Overwrites every page from this one on with ones. */
function overwrite(file: string, { fromPage }: { readonly fromPage: number }): void {
  const handle = openSync(file, "r+");
  const end = statSync(file).size;
  for (let at = fromPage * PAGE_BYTES; at < end; at += PAGE_BYTES) {
    writeSync(handle, Buffer.alloc(PAGE_BYTES, 0xff), 0, PAGE_BYTES, at);
  }
  closeSync(handle);
}

function expectRefusal({ code, stdout, stderr }: CommandEnd, expected: string): void {
  const { error } = JSON.parse(stderr) as { error: { code: string; help: string } };
  expect(error.code).toBe(expected);
  expect(error.help).toMatch(/\w.*[.)]$/);
  expect(stdout).toBe("");
  expect(code).toBe(4);
}

describe.each(COMMANDS.map((line) => ({ name: line[0], line })))(
  "$name refuses",
  ({ name, line }) => {
    const run = (file: string, options: CommandOptions = {}): Promise<CommandEnd> =>
      folder.unjam([...line, "--store", `sqlite:${file}`, "--json"], options);

    it.each([1, 3])("a file whose pages from %i on are damaged", async (fromPage) => {
      const file = copyOfGood(`damaged-${name}-${fromPage}.db`);
      overwrite(file, { fromPage });

      expectRefusal(await run(file), "UNJAM_STORE_CORRUPT");
    });

    it("a file that was cut short", async () => {
      const file = copyOfGood(`short-${name}.db`);
      truncateSync(file, 3 * PAGE_BYTES);

      expectRefusal(await run(file), "UNJAM_STORE_CORRUPT");
    });

    it("a file whose header is gone", async () => {
      const file = copyOfGood(`headless-${name}.db`);
      overwrite(file, { fromPage: 0 });

      expectRefusal(await run(file), "UNJAM_STORE_FOREIGN");
    });

    it("another application's database, and leaves it as it was", async () => {
      const file = join(folder.path, `people-${name}.db`);
      const people = new DatabaseSync(file);
      people.exec("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)");
      people.close();
      const before = readFileSync(file);

      expectRefusal(await run(file), "UNJAM_STORE_FOREIGN");
      expect(readFileSync(file).equals(before)).toBe(true);
    });

    it("a text file", async () => {
      const file = join(folder.path, `text-${name}.db`);
      writeFileSync(file, "not a database at all\n".repeat(500));

      expectRefusal(await run(file), "UNJAM_STORE_FOREIGN");
    });

    it("a folder", async () => {
      const file = join(folder.path, `folder-${name}.db`);
      mkdirSync(file);

      expectRefusal(await run(file), "UNJAM_STORE_FOREIGN");
    });

    it("a file of a newer version", async () => {
      const file = copyOfGood(`newer-${name}.db`);
      const store = new DatabaseSync(file);
      store.exec("UPDATE unjam_meta SET value = 99 WHERE name IN ('schema', 'min_writer')");
      store.close();

      expectRefusal(await run(file), "UNJAM_SCHEMA_NEWER");
    });

    it("a file in a folder that cannot be written", async () => {
      const path = join(folder.path, `sealed-${name}`);
      mkdirSync(path);
      const file = join(path, "jobs.db");
      copyFileSync(GOOD, file);
      chmodSync(path, 0o555);

      const end = await run(file, { isUnprivileged: true });
      // A user's own clean-up could not empty it either.
      chmodSync(path, 0o755);

      expectRefusal(end, "UNJAM_STORE_READ_ONLY");
    });

    it("a file that is read-only itself", async () => {
      const file = copyOfGood(`half-sealed-${name}.db`);
      chmodSync(file, 0o444);

      expectRefusal(await run(file, { isUnprivileged: true }), "UNJAM_STORE_READ_ONLY");
    });
  },
);

describe("the file that the others are spoilt copies of", () => {
  it("is a good one", async () => {
    const end = await folder.unjam(["jobs", "--store", "sqlite:good.db", "--limit", "1"]);

    expect(end.code).toBe(0);
  });
});

describe("a file whose jobs alone are damaged", () => {
  it.each([["jobs"], ["enqueue", "x", INPUT]])("is told as damaged by %s", async (...line) => {
    const file = copyOfGood(`damaged-jobs-${line[0]}.db`);
    overwrite(file, { fromPage: 20 });

    const end = await folder.unjam([...line, "--store", `sqlite:${file}`, "--json"]);

    expectRefusal(end, "UNJAM_STORE_CORRUPT");
  });

  it("fails doctor", async () => {
    const file = copyOfGood("damaged-jobs-doctor.db");
    overwrite(file, { fromPage: 20 });

    const { code, stdout } = await folder.unjam(["doctor", "--store", `sqlite:${file}`]);

    expect(stdout).toMatch(/^✗ store .*\[UNJAM_STORE_CORRUPT\]$/m);
    expect(code).toBe(4);
  });
});

describe("a file that another program holds locked", () => {
  it("is waited for, and then refused by name", async () => {
    const { holder, seen, refused } = await locked;
    const [human, ...others] = await Promise.all([seen, ...refused]);
    holder.signal("SIGTERM");
    await holder.ended;
    const after = await folder.unjam(["jobs", "--store", "sqlite:locked.db", "--json"]);

    expect(human.stderr).toMatch(
      /^still waiting for sqlite:locked.db; another process may hold it/,
    );
    expect(human.stderr).toContain("[UNJAM_STORE_LOCKED]");
    for (const end of others) expectRefusal(end, "UNJAM_STORE_LOCKED");
    expect(JSON.parse(after.stdout)).toHaveLength(100);
    expect(after.code).toBe(0);
  });
});

describe("a folder that is missing", () => {
  it("is not made by an enqueue", async () => {
    const file = join(folder.path, "nowhere", "jobs.db");

    const end = await folder.unjam(["enqueue", "x", "1", "--store", `sqlite:${file}`, "--json"]);

    expectRefusal(end, "UNJAM_STORE_FOLDER_MISSING");
  });

  it("is a missing store to a look", async () => {
    const file = join(folder.path, "nowhere", "jobs.db");

    const end = await folder.unjam(["jobs", "--store", `sqlite:${file}`, "--json"]);

    expectRefusal(end, "UNJAM_STORE_MISSING");
  });

  it("cannot be made where nothing may be written", async () => {
    const path = join(folder.path, "sealed-empty");
    mkdirSync(path, { mode: 0o555 });
    const enqueue = (name: string): Promise<CommandEnd> =>
      folder.unjam(["enqueue", "x", "1", "--store", `sqlite:${join(path, name)}`, "--json"], {
        isUnprivileged: true,
      });

    const file = await enqueue("jobs.db");
    const home = await enqueue(".unjam/jobs.db");

    expectRefusal(file, "UNJAM_STORE_FOLDER_MISSING");
    expectRefusal(home, "UNJAM_STORE_FOLDER_MISSING");
  });
});
