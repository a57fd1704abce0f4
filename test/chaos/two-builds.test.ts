import { expect, it } from "vitest";
import { ChangedBuild, EXTRA, NEWER } from "./changed-build.ts";
import { until } from "./condition.ts";
import { type RemoteApp, Workshop } from "./remote-app.ts";
import { StoreFile } from "./store-file.ts";

const WORK = { loop: 5, threads: 1 };

/** Some of each task, from `first` on. */
async function enqueueSome(app: RemoteApp, first: number): Promise<void> {
  const input = Array.from({ length: 100 }, (_, index) => ({ n: first + index }));
  await app.ask("enqueueMany", { task: "slow", input });
  for (let n = first + 100; n < first + 110; n++) await app.enqueue("flaky", { n });
  for (let n = first + 110; n < first + 130; n++) await app.enqueue("crunch", { n });
}

it("two builds enqueue and work on one file at once, and keep what only the other knows", async () => {
  using newer = new ChangedBuild(NEWER);
  using shop = new Workshop();
  await using older = await shop.open({ work: WORK });
  await enqueueSome(older, 0);
  // It changes the tables while the older one works on them.
  await using next = await shop.open({ work: WORK, build: newer.index });

  await Promise.all([enqueueSome(older, 1_000), enqueueSome(next, 2_000)]);
  await Promise.all([older, next].map((app) => app.ask("join", { options: { waitMs: 40_000 } })));
  await enqueueSome(older, 3_000);
  await next.close();
  await older.ask("join", { options: { waitMs: 40_000 } });
  await older.close();

  using file = StoreFile.open(shop.file);
  const wrong = file
    .jobs()
    .filter(
      ({ task, state, attempt }) => state !== "done" || attempt !== (task === "flaky" ? 2 : 1),
    );
  const pidsOf = (where: string): number => runsOf(shop, file, where).size;
  const extras = file.db
    .prepare("SELECT extra, shade, count(*) AS count FROM jobs GROUP BY 1, 2")
    .all();
  console.log(`two builds: ${file.jobs().length} jobs, ${pidsOf("1")} processes ran them`);
  expect(wrong).toEqual([]);
  expect(file.jobs()).toHaveLength(4 * 130);
  expect(extras.map((row) => ({ ...row }))).toEqual([
    { extra: null, shade: "blue", count: 3 * 130 },
    { extra: EXTRA, shade: "blue", count: 130 },
  ]);
  expect(pidsOf("extra IS NOT NULL")).toBe(2);
  expect(pidsOf("extra IS NULL")).toBe(2);
  expect(file.faults()).toEqual([]);
}, 90_000);

/** The processes that ran jobs. */
function runsOf(shop: Workshop, file: StoreFile, where: string): Set<number> {
  const numbers = new Set(file.jobs(where).map(({ n }) => n));
  return new Set(
    shop
      .runners()
      .filter(([n]) => numbers.has(n))
      .map(([, pid]) => pid),
  );
}

it("a file that a newer build keeps for itself is refused by its code, also to a process at work", async () => {
  using newer = new ChangedBuild(NEWER);
  using shop = new Workshop();
  await using older = await shop.open({ work: WORK });
  await using next = await shop.open({ work: WORK, build: newer.index });
  {
    using file = StoreFile.open(shop.file);
    file.db.exec("UPDATE unjam_meta SET value = 4 WHERE name = 'min_writer'");
  }

  const enqueued = await older.call("enqueue", { task: "quick", input: { n: 1 } });
  const status = await older.call("queues");
  const { tookMs } = await older.call("close", { options: { graceMs: 2_000 } });
  await using late = shop.start({ work: WORK });
  const refused = await late.program.line("refused");
  await next.enqueue("quick", { n: 2 });
  await next.ask("join");
  await next.close();

  expect(enqueued.outcome).toBe("UNJAM_SCHEMA_NEWER");
  expect(status.outcome).toBe("ok");
  expect(tookMs).toBeLessThan(3_000);
  expect(refused).toBe("UNJAM_SCHEMA_NEWER");
  using file = StoreFile.open(shop.file);
  expect(file.jobs().map(({ n, state }) => `${n} ${state}`)).toEqual(["2 done"]);
});

it("jobs in a newer build's format wait for it, and those behind them do not", async () => {
  using newer = new ChangedBuild([["store/sqlite/schema.ts", "ROW_FORMAT = 1", "ROW_FORMAT = 2"]]);
  using shop = new Workshop();
  await using older = await shop.open({ work: WORK });
  const waiting = [await older.enqueue("quick", { n: 1 }, { delayMs: 3_600_000 })];
  waiting.push(await older.enqueue("crunch", { n: 2 }, { delayMs: 3_600_000 }));
  {
    using file = StoreFile.open(shop.file);
    file.db.exec("UPDATE jobs SET format = 2, run_at = 0");
  }

  for (let n = 3; n <= 20; n++) await older.enqueue(n % 2 === 0 ? "quick" : "crunch", { n });
  await until("the others are done", () => (shop.runs().size === 18 ? true : undefined));
  const left = await Promise.all(waiting.map((id) => untilReady(older, id)));
  await using next = await shop.open({ work: WORK, build: newer.index });
  await next.ask("join", { options: { waitMs: 20_000 } });
  await Promise.all([older.close(), next.close()]);

  expect(left).toMatchObject(waiting.map((id) => ({ id, state: "ready", attempt: 0 })));
  using file = StoreFile.open(shop.file);
  expect(file.jobs("state <> 3 OR attempt <> 1 OR losses > 0")).toEqual([]);
  expect([...runsOf(shop, file, "format = 2")]).not.toContain(older.program.pid);
  expect(file.faults()).toEqual([]);
}, 60_000);

/** Its status once it is due: the store was changed behind the waker's back, which looks again later. */
function untilReady(app: RemoteApp, id: string): Promise<object> {
  return until(`${id} is ready`, async () => {
    const status = await app.ask("status", { id });
    const isReady = status instanceof Object && Reflect.get(status, "state") === "ready";
    return isReady ? status : undefined;
  });
}

it("processes that open one new file at the same time all find a store", async () => {
  for (let round = 1; round <= 5; round++) {
    using shop = new Workshop();
    const apps = Array.from({ length: 4 }, () => shop.start({ work: false }));
    try {
      const ready = apps.map(({ program }) => program.line("ready"));
      await Promise.all(ready);
      await Promise.all(apps.map((app, n) => app.enqueue("quick", { n })));
      await Promise.all(apps.map((app) => app.close()));
    } finally {
      await Promise.all(apps.map((app) => app[Symbol.asyncDispose]()));
    }

    using file = StoreFile.open(shop.file);
    expect(file.jobs()).toHaveLength(apps.length);
    expect(file.faults()).toEqual([]);
  }
}, 60_000);
