import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type Change, ChangedBuild } from "./changed-build.ts";
import { Ledger } from "./ledger.ts";
import { commandOf, Program } from "./program.ts";
import { Workshop } from "./remote-app.ts";
import { halfBatches, StoreFile } from "./store-file.ts";
import { requireStrace, Strace, threadOf } from "./strace.ts";

const BASE_STEP = 1_000;
/** How long a call may wait for a disk that fails once, and for one that goes on failing. */
const WAIT_MS = 4_000;
const SHORT_WAIT_MS = 250;
/** A script that makes more calls than this to the disk is another script. */
const CALLS_MAX = 2_000;
/** Nobody knows: either is right. Every other code says that nothing was stored. */
const UNKNOWN = /^UNJAM_(?:OUTCOME_UNKNOWN|WAIT_TIMEOUT)$/;

/** Acknowledges what the disk refused. */
const CREDULOUS: readonly Change[] = [
  [
    "store/sqlite/commit-group.ts",
    "else operation.reject(mapped);",
    "else operation.resolve(answer);",
  ],
];

interface Call {
  readonly ns: readonly number[];
  readonly outcome: string;
}

/** What one series of faults came to. */
interface Tally {
  runs: number;
  faults: number;
  readonly outcomes: Record<string, number>;
  /** Calls whose answer and the file contradict each other. */
  readonly lies: string[];
}

beforeAll(requireStrace);

/** The script of fixtures/scripted.ts, over and over, in one process on one file. */
class Stage implements AsyncDisposable {
  readonly file: string;
  readonly folder: string;
  readonly #program: Program;
  #base = 0;

  static async open(variables: Readonly<Record<string, string>> = {}): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), "unjam-faults-"));
    const stage = new Stage(folder, variables);
    await stage.#program.line("ready");
    return stage;
  }

  private constructor(folder: string, variables: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.file = join(folder, "jobs.db");
    this.#program = Program.start("scripted", { STORE: this.file, ...variables });
  }

  storeThread(): Promise<number> {
    return threadOf(this.#program.pid, "unjam store");
  }

  /** One run of the script. */
  async run(waitMs: number = WAIT_MS): Promise<Call[]> {
    this.#base += BASE_STEP;
    const from = this.#program.lines.length;
    await this.#program.ask(`run ${this.#base} ${waitMs}`, "results");
    return this.#program.lines
      .slice(from)
      .filter((line) => line.startsWith("call "))
      .map((line) => JSON.parse(line.slice("call ".length)) as Call);
  }

  /** Finishes everything; answers "<done> <failed>". */
  drain(): Promise<string> {
    return this.#program.ask("drain", "drained");
  }

  async close(): Promise<number | null> {
    this.#program.say("close");
    return (await this.#program.ended).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true });
  }
}

/** Compares what the callers were told with what the file holds. */
function findLies(calls: readonly Call[], file: string): string[] {
  using store = StoreFile.open(file);
  const ns = calls.flatMap((call) => call.ns);
  const stored = new Set(
    store
      .jobs(`payload ->> 'n' BETWEEN ${Math.min(...ns)} AND ${Math.max(...ns)}`)
      .map(({ n }) => n),
  );
  return calls.flatMap(({ ns: wanted, outcome }) => {
    const found = wanted.filter((n) => stored.has(n)).length;
    const isWhole = found === 0 || found === wanted.length;
    const isTrue = UNKNOWN.test(outcome) || (outcome === "ok") === found > 0;
    const told = `a call for ${wanted.length} jobs was told ${outcome}`;
    return isWhole && isTrue ? [] : [`${told}, and ${found} are stored`];
  });
}

/** Runs the script once with these faults, and judges it when the disk is well again. */
async function runWithFaults(
  stage: Stage,
  tally: Tally,
  { injections, waitMs = WAIT_MS }: { readonly injections: string[]; readonly waitMs?: number },
): Promise<number> {
  const strace = await Strace.attach(await stage.storeThread(), ...injections);
  const calls = await stage.run(waitMs);
  const faultCount = await strace.detach();
  tally.runs++;
  tally.faults += faultCount;
  for (const { outcome } of calls) tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1;
  const about = `${injections.join(" ")}: `;
  tally.lies.push(...findLies(calls, stage.file).map((lie) => about + lie));
  return faultCount;
}

function newTally(): Tally {
  return { runs: 0, faults: 0, outcomes: {}, lies: [] };
}

/** After the last fault: all that was stored is done once, and the process works and ends well. */
async function expectAllDone(stage: Stage): Promise<void> {
  const healthy = await stage.run();
  const drained = await stage.drain();
  expect(new Set(healthy.map(({ outcome }) => outcome))).toEqual(new Set(["ok"]));
  expect(await stage.close()).toBe(0);

  using store = StoreFile.open(stage.file);
  const jobs = store.jobs();
  expect(drained).toBe(`${jobs.length} 0`);
  expect(halfBatches(jobs)).toEqual([]);
  const wrong = jobs.filter(
    ({ task, state, attempt }) => state !== "done" || attempt !== (task === "flaky" ? 2 : 1),
  );
  expect(wrong).toEqual([]);
  expect(store.faults()).toEqual([]);
}

function say(what: string, { lies, ...tally }: Tally): void {
  console.log(`${what}: ${JSON.stringify({ ...tally, lies: lies.length })}`);
}

/** The nth, for n = 1, 2, 3 … until a run comes to no nth any more. */
async function failEach(
  stage: Stage,
  tally: Tally,
  injectionsAt: (nth: number) => string[],
): Promise<void> {
  for (let nth = 1, faultCount = 1; faultCount > 0; nth++) {
    expect(nth).toBeLessThan(CALLS_MAX);
    faultCount = await runWithFaults(stage, tally, { injections: injectionsAt(nth) });
  }
  // Without a fault nothing was tested, whatever the calls were told.
  expect(tally.faults).toBeGreaterThan(0);
}

const SYNCS = "fsync,fdatasync";

describe.each(["EIO", "ENOSPC"])("%s", (error) => {
  it.each([SYNCS, "pwrite64"])(
    "at any one %s of enqueue, claim and settle is an error or durable, never both wrong",
    async (calls) => {
      await using stage = await Stage.open();
      const tally = newTally();

      await failEach(stage, tally, (nth) => [`${calls}:error=${error}:when=${nth}`]);

      say(`${error} at each ${calls}`, tally);
      expect(tally.lies).toEqual([]);
      await expectAllDone(stage);
    },
    240_000,
  );

  it("again and again while the store opens its file anew is an error or durable", async () => {
    await using stage = await Stage.open();
    const tally = newTally();

    for (const more of [1, 2, 5]) {
      await failEach(stage, tally, (nth) => [`${SYNCS}:error=${error}:when=${nth}..${nth + more}`]);
    }
    // Moving the log into the database ends in a truncation, which fails here too.
    for (let nth = 1; nth <= 10; nth++) {
      const twice = [`${SYNCS}:error=${error}:when=${nth}`, `ftruncate:error=${error}:when=1..3`];
      await runWithFaults(stage, tally, { injections: twice });
    }

    say(`${error} in rows`, tally);
    expect(tally.lies).toEqual([]);
    await expectAllDone(stage);
  }, 240_000);

  it("that lasts refuses each call by its deadline, by its name, and the work goes on after it", async () => {
    await using stage = await Stage.open();
    const tally = newTally();

    for (const nth of [1, 3, 7]) {
      const injections = [`${SYNCS},pwrite64,ftruncate:error=${error}:when=${nth}+`];
      await runWithFaults(stage, tally, { injections, waitMs: SHORT_WAIT_MS });
    }

    say(`lasting ${error}`, tally);
    expect(tally.lies).toEqual([]);
    // Nobody else has the file: to send the user after another writer would mislead him.
    expect(tally.outcomes).not.toHaveProperty("UNJAM_STORE_LOCKED");
    await expectAllDone(stage);
  }, 120_000);
});

it("a store that takes a failed commit for a good one is found out, so the test can see it", async () => {
  using credulous = new ChangedBuild(CREDULOUS);
  await using stage = await Stage.open({ BUILD: credulous.index });
  const tally = newTally();

  for (let nth = 1; nth <= 6; nth++) {
    const injections = [`${SYNCS}:error=EIO:when=${nth}`];
    await runWithFaults(stage, tally, { injections, waitMs: SHORT_WAIT_MS });
  }

  say("EIO in a credulous store", tally);
  expect(tally.lies.length).toBeGreaterThan(0);
}, 60_000);

it("a failed fsync beside another busy process costs that process nothing", async () => {
  await using stage = await Stage.open();
  using ledger = new Ledger(stage.folder);
  await using busy = ledger.start({ BASE: "100000000", JOBS: "1000000" });
  await busy.line("ready");
  const tally = newTally();

  await failEach(stage, tally, (nth) => [`${SYNCS}:error=EIO:when=${nth}`]);
  const acknowledged = ledger.acknowledged();
  await busy.kill();

  say("EIO at each fsync beside another process", tally);
  expect(tally.lies).toEqual([]);
  using store = StoreFile.open(stage.file);
  const stored = new Set(store.jobs().map(({ n }) => n));
  expect(acknowledged.length).toBeGreaterThan(100);
  expect(acknowledged.filter((n) => !stored.has(n))).toEqual([]);
  expect(halfBatches(store.jobs())).toEqual([]);
}, 120_000);

/** Opens a store for the first time while a call to the disk fails; answers the code of its refusal. */
async function openWithFault(file: string, injection: string): Promise<string> {
  const calls = injection.slice(0, injection.indexOf(":"));
  const strace = [
    "strace",
    "-f",
    "--seccomp-bpf",
    "-qq",
    "-o",
    "/dev/null",
    "-P",
    file,
    "-P",
    `${file}-wal`,
  ];
  const faults = ["-e", `trace=${calls}`, "-e", "signal=none", "-e", `inject=${injection}`];
  const command = [...strace, ...faults, ...commandOf("remote-app")];
  await using program = Program.run(command, { STORE: file, WORK: "false" });
  const opened = program.line("ready").then(() => "ok");
  const refused = program.line("refused");
  const outcome = await Promise.any([opened, refused]);
  program.say("exit");
  await Promise.allSettled([opened, refused, program.ended]);
  return outcome;
}

it("a fault while a new store is made refuses it by a code, and the next process can make it", async () => {
  const outcomes: string[] = [];
  const injections = [1, 2, 3, 4, 5].flatMap((nth) => [
    `${SYNCS}:error=EIO:when=${nth}`,
    `pwrite64:error=ENOSPC:when=${nth * 5 - 2}`,
  ]);

  for (const injection of injections) {
    using folder = new Workshop();
    outcomes.push(await openWithFault(folder.file, injection));
    await using app = await folder.open({ work: false });
    await app.enqueue("quick", { n: 1 });
    await app.close();
    using store = StoreFile.open(folder.file);
    expect(store.faults()).toEqual([]);
  }

  console.log(`faults while a store is made: ${outcomes.join(", ")}`);
  // Unknown: the owner's own row, which nothing else can prove.
  const coded = /^ok$|^UNJAM_(?:STORE_|OUTCOME_UNKNOWN)/;
  expect(outcomes.filter((code) => !coded.test(code))).toEqual([]);
  expect(outcomes).toContain("UNJAM_STORE_IO");
}, 60_000);

it("a read that fails while the store opens its file anew is an error or durable", async () => {
  await using stage = await Stage.open();
  const tally = newTally();

  // Everything is read from the cache as long as the file stays open.
  const reopen = `${SYNCS}:error=EIO:when=2`;
  for (let nth = 1, readCount = 1; readCount > 0; nth++) {
    const injections = [reopen, `pread64:error=EIO:when=${nth}`];
    readCount = (await runWithFaults(stage, tally, { injections })) - 1;
  }

  say("EIO at each pread64", tally);
  expect(tally.lies).toEqual([]);
  await expectAllDone(stage);
}, 120_000);
