import { beforeAll, describe, expect, it } from "vitest";
import { until } from "./condition.ts";
import { Program } from "./program.ts";
import { type Answer, type RemoteApp, Workshop } from "./remote-app.ts";
import { StoreFile } from "./store-file.ts";
import { requireStrace, Strace, threadOf } from "./strace.ts";

const HOLD_MS = 20_000;

const BLOCK_MS = 10_000;
const STOP_MS = 17_000;
/** Renewed every 5 s to 15 s: the lease of an owner that lives never comes nearer to its end. */
const LEASE_LEFT_MS_MIN = 8_000;
/** What a call may take beyond its own deadline, on a machine that does other things too. */
const OVERRUN_MS_MAX = 600;
/** The least time that the store gets for an answer (ANSWER_MS_MIN). */
const ANSWER_MS = 250;
/** What a call gets that takes no `waitMs` (WAIT_MS_DEFAULT). */
const WAIT_MS = 30_000;
const TEST_MS_MAX = 90_000;

beforeAll(requireStrace);

interface TimedCall {
  readonly what: string;
  readonly overrunMs: number;
  readonly outcome: string;
}

async function timed(what: string, waitMs: number, call: Promise<Answer>): Promise<TimedCall> {
  const { outcome, tookMs } = await call;
  return { what: `${what} in ${waitMs} ms`, overrunMs: Math.round(tookMs - waitMs), outcome };
}

/** One of each call that has a deadline, while nothing can be written. */
function callAll({ app, leaver, id }: BusyApps): Promise<TimedCall>[] {
  const enqueues = [0, 500, 2_000, 10_000].map((waitMs, index) => {
    const about = { task: "quick", input: { n: 1_000 + index }, options: { waitMs } };
    return timed("enqueue", Math.max(waitMs, ANSWER_MS), app.call("enqueue", about));
  });
  const batch = { task: "quick", input: [{ n: 1_100 }, { n: 1_101 }], options: { waitMs: 1_000 } };
  const wait = (waitMs: number): object => ({ id, options: { waitMs } });
  return [
    ...enqueues,
    timed("enqueueMany", 1_000, app.call("enqueueMany", batch)),
    timed("join", 1_500, app.call("join", { options: { waitMs: 1_500 } })),
    timed("join", 9_000, app.call("join", { options: { waitMs: 9_000 } })),
    timed("result", 1_000, app.call("result", { ...wait(1_000), id })),
    timed("result by the caller's id", 800, app.call("result", { ...wait(800), id: "mine" })),
    timed("status", WAIT_MS, app.call("status", { id })),
    timed("cancel", WAIT_MS, app.call("cancel", { id: "mine" })),
    timed("jobs", WAIT_MS, app.call("jobs", { options: { limit: 5 } })),
    timed("queues", WAIT_MS, app.call("queues")),
    timed("workers", WAIT_MS, app.call("workers")),
    timed("pause", WAIT_MS, app.call("pause", { id: "aside" })),
    timed("resume", WAIT_MS, app.call("resume", { id: "aside" })),
    timed("retry", WAIT_MS, app.call("retry", { id })),
    timed("retry by the caller's id", WAIT_MS, app.call("retry", { id: "mine" })),
    timed("close", 2_000, leaver.call("close", { options: { graceMs: 2_000 } })),
  ];
}

/** An app with work under way on its loop and its thread, and another that is about to leave. */
class BusyApps implements AsyncDisposable {
  readonly app: RemoteApp;
  readonly leaver: RemoteApp;
  /** A job that runs. */
  readonly id: string;

  static async open(shop: Workshop): Promise<BusyApps> {
    const app = await shop.open({ work: { loop: 50, threads: 1 } });
    const leaver = await shop.open({ work: false });
    for (let n = 1; n <= 10; n++) await app.enqueue("linger", { n, ms: 2_000 });
    for (let n = 11; n <= 14; n++) await app.enqueue("crunch", { n, ms: 500 });
    const id = await app.enqueue("linger", { n: 15, ms: 1_000 });
    await app.enqueue("quick", { n: 16 }, { id: "mine", delayMs: 60_000 });
    await until("work is under way", () => (shop.runs().size >= 12 ? true : undefined));
    await app.ask("loopDelay");
    return new BusyApps(app, leaver, id);
  }

  private constructor(app: RemoteApp, leaver: RemoteApp, id: string) {
    this.app = app;
    this.leaver = leaver;
    this.id = id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.app, this.leaver].map((app) => app[Symbol.asyncDispose]()));
  }
}

/** After the hindrance: everything that was told to be stored is done, and nothing else is there. */
async function expectAllDone(shop: Workshop, app: RemoteApp, patient: Answer): Promise<void> {
  await app.ask("join", { options: { waitMs: 30_000 } });
  const loopDelayMs = Number(await app.ask("loopDelay"));
  await app.close();
  using file = StoreFile.open(shop.file);
  const jobs = file.jobs("state <> 0");
  const unfinished = jobs.filter(({ state, n }) => state !== "done" && n !== 16);
  console.log(
    `  loop held up for ${Math.round(loopDelayMs)} ms at most, ${shop.repeated().length} jobs ran ` +
      `twice, ${jobs.reduce((sum, { losses }) => sum + losses, 0)} losses`,
  );
  expect(patient.outcome).toBe("ok");
  expect(unfinished).toEqual([]);
  for (let n = 1; n <= 15; n++) expect(jobs.some((job) => job.n === n)).toBe(true);
  expect(shop.repeated()).toEqual([]);
  expect(file.faults()).toEqual([]);
  expect(loopDelayMs).toBeLessThan(1_000);
}

function say(what: string, calls: readonly TimedCall[]): void {
  const lines = calls.map(
    ({ what: call, overrunMs, outcome }) => `  ${call}: ${outcome}, ${overrunMs} ms over`,
  );
  const worst = calls.toSorted((a, b) => b.overrunMs - a.overrunMs)[0];
  console.log(
    [`${what}; worst overrun ${worst?.overrunMs} ms (${worst?.what})`, ...lines].join("\n"),
  );
}

function expectInTime(calls: readonly TimedCall[]): void {
  expect(calls.filter(({ overrunMs }) => overrunMs > OVERRUN_MS_MAX)).toEqual([]);
}

describe.concurrent("no call hangs past its deadline, nothing is lost, and work goes on after", () => {
  it(`a file that another writer holds for ${HOLD_MS} ms`, { timeout: TEST_MS_MAX }, async () => {
    using shop = new Workshop();
    await using busy = await BusyApps.open(shop);
    const { app } = busy;
    await using holder = Program.start("lock-holder", {
      STORE: shop.file,
      HOLD_MS: String(HOLD_MS),
    });
    await holder.line("locked");

    const patient = app.call("enqueue", { task: "quick", input: { n: 2_000 } });
    const calls = await Promise.all(callAll(busy));
    await holder.line("released", HOLD_MS + 10_000);

    say(`locked for ${HOLD_MS} ms`, calls);
    expectInTime(calls);
    await expectAllDone(shop, app, await patient);
  });

  it(`an fsync that takes ${HOLD_MS} ms`, { timeout: TEST_MS_MAX }, async () => {
    using shop = new Workshop();
    await using busy = await BusyApps.open(shop);
    const { app } = busy;
    const tid = await threadOf(app.program.pid, "unjam store");
    const strace = await Strace.attach(
      tid,
      `fsync,fdatasync:delay_enter=${HOLD_MS * 1_000}:when=1`,
    );

    const patient = app.call("enqueue", { task: "quick", input: { n: 2_000 } });
    const calls = await Promise.all(callAll(busy));
    const answered = await patient;
    await strace.detach();

    say(`an fsync of ${HOLD_MS} ms`, calls);
    expectInTime(calls);
    await expectAllDone(shop, app, answered);
  });

  it(`a close during an fsync that takes ${HOLD_MS} ms`, { timeout: TEST_MS_MAX }, async () => {
    using shop = new Workshop();
    await using app = await shop.open({ work: { loop: 5 } });
    const tid = await threadOf(app.program.pid, "unjam store");
    const strace = await Strace.attach(
      tid,
      `fsync,fdatasync:delay_enter=${HOLD_MS * 1_000}:when=1`,
    );
    const enqueue = app.call("enqueue", { task: "quick", input: { n: 1 } });
    await until("the disk is busy", () => (strace.hasBegun() ? true : undefined));

    const call = await timed("close", 2_000, app.call("close", { options: { graceMs: 2_000 } }));
    await strace.detach();

    say("a close during an fsync", [call]);
    expectInTime([call]);
    expect((await enqueue).outcome).toBe("UNJAM_CLOSED");
  });
});

describe.concurrent("a close", () => {
  it("of an app at work on a locked file ends by its grace", { timeout: TEST_MS_MAX }, async () => {
    using shop = new Workshop();
    await using app = await shop.open({ work: { loop: 5, threads: 1 } });
    await app.enqueue("linger", { n: 1, ms: 60_000 });
    await app.enqueue("crunch", { n: 2, ms: 60_000 });
    await until("they run", () => (shop.runs().size === 2 ? true : undefined));
    await using holder = Program.start("lock-holder", { STORE: shop.file, HOLD_MS: "8000" });
    await holder.line("locked");

    const call = await timed("close", 2_000, app.call("close", { options: { graceMs: 2_000 } }));

    say("a close on a locked file", [call]);
    expectInTime([call]);
  });
});

/** The shortest time that any lease in the file still has. */
function leaseLeftMs(file: string): number | undefined {
  using store = StoreFile.open(file);
  const row = store.db.prepare("SELECT min(lease_until) AS first FROM jobs WHERE state = 2").get();
  const nowMs = Number(process.hrtime.bigint()) / 1e6;
  return typeof row?.["first"] === "number" ? row["first"] - nowMs : undefined;
}

function doneCount(file: string, task: string): number {
  using store = StoreFile.open(file);
  return store.jobs("state = 3").filter((job) => job.task === task).length;
}

describe.concurrent("a process that stands still for longer than its leases", () => {
  const name = `for ${STOP_MS} ms loses its jobs to another, settles none of them, and works on after`;
  it(name, { timeout: TEST_MS_MAX }, async () => {
    using shop = new Workshop();
    await using stopped = await shop.open({ work: { loop: 2, threads: 1 } });
    await stopped.enqueue("linger", { n: 1, ms: STOP_MS });
    await stopped.enqueue("linger", { n: 2, ms: STOP_MS });
    await stopped.enqueue("crunch", { n: 3, ms: 3_000 });
    await until("they run", () => (shop.runs().size === 3 ? true : undefined));

    stopped.program.signal("SIGSTOP");
    await using other = await shop.open({ work: { loop: 2, threads: 1 } });
    await until(
      "another has them all",
      () => (shop.repeated().length === 3 ? true : undefined),
      STOP_MS + 10_000,
    );
    stopped.program.signal("SIGCONT");
    // Its bodies end, and what they come to counts no more.
    await other.ask("join", { options: { waitMs: 50_000 } });
    await other.close();
    for (const n of [4, 5, 6]) await stopped.enqueue("linger", { n, ms: 10 });
    await stopped.enqueue("crunch", { n: 7 });
    await stopped.ask("join", { options: { waitMs: 30_000 } });
    await stopped.close();

    using file = StoreFile.open(shop.file);
    const [lost, later] = [file.jobs("losses = 1"), file.jobs("losses = 0")];
    expect(file.jobs("state <> 3 OR attempt <> 1 OR token <> 1 + losses")).toEqual([]);
    expect(lost.map(({ n }) => n)).toEqual([1, 2, 3]);
    expect(later.map(({ n }) => n)).toEqual([4, 5, 6, 7]);
    expect(file.faults()).toEqual([]);
  });
});

describe.concurrent("while a handler blocks the main loop", () => {
  const name = `for ${BLOCK_MS} ms all leases stay alive, threads go on, and no job runs twice`;
  it(name, { timeout: TEST_MS_MAX }, async () => {
    using shop = new Workshop();
    await using app = await shop.open({ work: { loop: 20, threads: 2 } });
    for (let n = 1; n <= 10; n++) await app.enqueue("linger", { n, ms: 4_000 });
    const input = Array.from({ length: 1_000 }, (_, index) => ({ n: 100 + index, ms: 20 }));
    await app.ask("enqueueMany", { task: "crunch", input });
    const blockId = await app.enqueue("block", { n: 50, ms: BLOCK_MS });
    await until("it blocks", () => (shop.runs().has(50) ? true : undefined));
    // It would take every job whose lease runs out, and all that this app's loop does not take.
    await using rival = await shop.open({ work: { loop: 20, threads: 0 } });
    const doneBefore = doneCount(shop.file, "crunch");

    let leastMs = Number.POSITIVE_INFINITY;
    const blocked = app.call("queues");
    let isOver = false;
    void blocked.then(() => (isOver = true));
    await until("the loop is free again", () => {
      leastMs = Math.min(leastMs, leaseLeftMs(shop.file) ?? leastMs);
      return isOver ? true : undefined;
    });
    const doneMeanwhile = doneCount(shop.file, "crunch") - doneBefore;
    const named = (await app.events("blocked")).filter(({ data }) => data["jobId"] === blockId);
    await app.ask("join", { options: { waitMs: 60_000 } });
    await rival.close();
    await app.close();

    using file = StoreFile.open(shop.file);
    const wrong = file.jobs("state <> 3 OR attempt <> 1 OR losses > 0 OR token <> 1");
    console.log(
      `blocked for ${BLOCK_MS} ms: ${doneMeanwhile} jobs done on threads meanwhile, leases had ` +
        `${Math.round(leastMs)} ms left at least, named ${named.length} times`,
    );
    expect(doneMeanwhile).toBeGreaterThan(20);
    expect(leastMs).toBeGreaterThan(LEASE_LEFT_MS_MIN);
    expect(wrong).toEqual([]);
    expect(shop.repeated()).toEqual([]);
    expect(named).toHaveLength(1);
    expect(Number(named[0]?.data["blockedMs"])).toBeGreaterThanOrEqual(BLOCK_MS);
    expect(file.faults()).toEqual([]);
  });
});
