import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type App,
  isUnjamError,
  open,
  type OpenOptions,
  task,
  type UnjamError,
} from "../../src/index.ts";
import { CommandFolder } from "./command.ts";
import { errorOf } from "./outcome.ts";
import { copy, GOOD_JOBS, makeGoodStore, overwrite, SPOILT } from "./spoilt-store.ts";

const RUNTIMES = ["threads", "inline"] as const;
type Runtime = (typeof RUNTIMES)[number];
/** `open` waits half a minute for a locked file. */
const OPEN_MS_MAX = 30_000;
const LOCK_TEST_MS_MAX = 120_000;

const folder = mkdtempSync(join(tmpdir(), "unjam-bad-store-"));
const GOOD = join(folder, "good.db");
let names = 0;
const freshName = (): string => join(folder, `store-${++names}.db`);

const noted = task("noted", {}, async (n: number) => n + 1);

function openAt(store: string, runtime: Runtime, options: OpenOptions = {}): Promise<App> {
  const logger = { info() {}, warn() {}, error() {} };
  return open({ store, runtime, tasks: [noted], logger, ...options });
}

async function refusalOf(opening: Promise<App>): Promise<UnjamError> {
  const error = await errorOf(opening);
  if (!isUnjamError(error)) throw error;
  return error;
}

/** Files of this folder that the process has open. */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((name) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${name}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      // The one that the folder itself was read by.
      return [];
    }
  });
}

/** The process goes on: it opens a good store, finds its jobs, and does one more. */
async function expectGoodOne(file: string, runtime: Runtime): Promise<void> {
  const app = await openAt(`sqlite:${file}`, runtime);
  try {
    const job = await app.enqueue(noted, 1);
    expect(await job.result()).toBe(2);
    const stored = (await app.queues()).find(({ name }) => name === "stored");
    expect(stored?.counts.ready).toBe(GOOD_JOBS);
  } finally {
    await app.close();
  }
}

let locked: { readonly holder: DatabaseSync; readonly refused: readonly Promise<Locked>[] };
interface Locked {
  readonly error: UnjamError;
  readonly tookMs: number;
}
const LOCKED = join(folder, "locked.db");

beforeAll(async () => {
  await makeGoodStore(GOOD);
  // These wait half a minute for the file, so they begin first and are looked at last.
  const holder = new DatabaseSync(copy(GOOD, LOCKED));
  holder.exec("BEGIN EXCLUSIVE");
  locked = { holder, refused: RUNTIMES.map(refusedAfter) };
});
afterAll(() => rmSync(folder, { recursive: true }));

async function refusedAfter(runtime: Runtime): Promise<Locked> {
  const since = performance.now();
  const error = await refusalOf(openAt(`sqlite:${LOCKED}`, runtime));
  return { error, tookMs: performance.now() - since };
}

describe.each(RUNTIMES)("open() with its runtime %s", (runtime) => {
  it.each(SPOILT)(
    "refuses $what with $code, keeps no file open, and opens a good store next",
    async ({ code, spoil, at = (given) => given }) => {
      const file = freshName();
      spoil(file, GOOD);
      const asked = at(file);

      const error = await refusalOf(openAt(`sqlite:${asked}`, runtime));

      expect(error).toMatchObject({ code, details: { file: asked } });
      expect(error.help).toMatch(/\w.*[.)]$/);
      expect(openFiles().filter((path) => path.startsWith(file))).toEqual([]);
      await expectGoodOne(copy(GOOD, freshName()), runtime);
    },
  );

  it.each([
    ["nothing", ""],
    ["a path alone", "jobs.db"],
    ["no path", "sqlite:"],
    ["a path with a NUL", "sqlite:jobs\0.db"],
    ["a scheme in capitals", "SQLITE:jobs.db"],
    ["memory with a path", "memory:jobs"],
    ["PostgreSQL, which this version does not have", "postgres://127.0.0.1/jobs"],
    ["Redis, which this version does not have", "redis://127.0.0.1"],
  ])("refuses a URL that is %s", async (_what, store) => {
    const { code } = await refusalOf(openAt(store, runtime));

    expect(code).toBe(store === "" ? "UNJAM_INVALID_OPTION" : "UNJAM_STORE_URL_INVALID");
  });

  it("writes nothing into another application's database", async () => {
    const file = freshName();
    const people = new DatabaseSync(file);
    people.exec("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)");
    people.close();
    const before = readFileSync(file);

    await refusalOf(openAt(`sqlite:${file}`, runtime));

    expect(readFileSync(file).equals(before)).toBe(true);
    expect(readdirSync(folder).filter((name) => join(folder, name).startsWith(file))).toHaveLength(
      1,
    );
  });

  it("makes a store of an empty file", async () => {
    const file = freshName();
    writeFileSync(file, "");

    const app = await openAt(`sqlite:${file}`, runtime);
    const job = await app.enqueue(noted, 1);

    expect(await job.result()).toBe(2);
    await app.close();
  });

  it("passes over a log that is not one, as after a crash, and finds every job", async () => {
    const file = copy(GOOD, freshName());
    writeFileSync(`${file}-wal`, "garbage".repeat(2_000));

    await expectGoodOne(file, runtime);
  });

  it("takes a path with what means something in a URL as a path", async () => {
    const file = join(folder, `${runtime}?mode=ro#%41 ä.db`);

    await expectGoodOne(copy(GOOD, file), runtime);

    expect(readdirSync(folder)).toContain(`${runtime}?mode=ro#%41 ä.db`);
  });
});

describe("a store whose jobs alone are damaged", () => {
  it.each(RUNTIMES)(
    "opens with %s, refuses jobs by its code, and the app closes",
    async (runtime) => {
      const file = copy(GOOD, freshName());
      overwrite(file, { fromPage: 20 });
      const app = await openAt(`sqlite:${file}`, runtime, { work: false });

      const error = await errorOf(app.jobs({ queue: "stored", limit: 1_000 }));
      await app.close({ graceMs: 1_000 });

      expect(error).toMatchObject({ code: "UNJAM_STORE_CORRUPT" });
      await expectGoodOne(copy(GOOD, freshName()), runtime);
    },
  );
});

describe("a process whose modes bind", () => {
  const commands = new CommandFolder();
  afterAll(() => commands[Symbol.asyncDispose]());
  const program = new URL("fixtures/open-stores.ts", import.meta.url).pathname;

  it.each(RUNTIMES)(
    "is refused what it cannot write, by %s, works on what it can, and ends by itself",
    async (runtime) => {
      const at = (name: string): string => join(commands.path, `${runtime}-${name}`);
      copyFileSync(GOOD, at("read-only.db"));
      chmodSync(at("read-only.db"), 0o444);
      copyFileSync(GOOD, at("hidden.db"));
      chmodSync(at("hidden.db"), 0o000);
      for (const [name, mode] of [
        ["sealed", 0o555],
        ["closed", 0o000],
      ] as const) {
        mkdirSync(at(name));
        copyFileSync(GOOD, join(at(name), "jobs.db"));
        chmodSync(at(name), mode);
      }
      const wanted: readonly (readonly [string, string])[] = [
        [at("read-only.db"), "UNJAM_STORE_READ_ONLY"],
        [at("hidden.db"), "UNJAM_STORE_READ_ONLY"],
        [join(at("sealed"), "jobs.db"), "UNJAM_STORE_READ_ONLY"],
        [join(at("sealed"), "new.db"), "UNJAM_STORE_FOLDER_MISSING"],
        [join(at("closed"), "jobs.db"), "UNJAM_STORE_FOLDER_MISSING"],
        [at("good.db"), "ok"],
      ];

      const files = wanted.map(([file]) => file);
      const { code, stdout, stderr } = await commands.node([program, runtime, ...files], {
        isUnprivileged: true,
      }).ended;
      for (const name of ["sealed", "closed"]) chmodSync(at(name), 0o755);

      expect(stderr).toBe("");
      expect(stdout.split("\n").slice(0, -1)).toEqual(wanted.map(([, outcome]) => outcome));
      expect(code).toBe(0);
    },
  );
});

describe("a file that another connection holds locked", () => {
  it(
    "is waited for until its deadline, then refused by name, and has all its jobs",
    async () => {
      const refused = await Promise.all(locked.refused);
      locked.holder.exec("ROLLBACK");
      locked.holder.close();

      for (const { error, tookMs } of refused) {
        expect(error).toMatchObject({ code: "UNJAM_STORE_LOCKED", details: { file: LOCKED } });
        expect(tookMs).toBeGreaterThanOrEqual(OPEN_MS_MAX);
      }
      for (const runtime of RUNTIMES) {
        await expectGoodOne(LOCKED, runtime);
      }
    },
    LOCK_TEST_MS_MAX,
  );
});
