import { expect, it } from "vitest";
import { Chance, SEED } from "./chance.ts";
import { until } from "./condition.ts";
import { Mutilated } from "./mutilated.ts";
import { type Answer, type RemoteApp, Workshop } from "./remote-app.ts";
import { type JobRow, StoreFile } from "./store-file.ts";

/** Fewer than the restart budget of a minute (RESTARTS_MAX). */
const DEATHS = 8;
const STORE = { id: "unjam store" };
const SUPERVISOR = { id: "unjam supervisor" };

function jobsOf(shop: Workshop): JobRow[] {
  using file = StoreFile.open(shop.file);
  expect(file.faults()).toEqual([]);
  return file.jobs();
}

/** Singles and batches at once, numbered from `first`. */
function enqueueAll(app: RemoteApp, first: number): Promise<Answer>[] {
  const singles = Array.from({ length: 30 }, (_, index) =>
    app.call("enqueue", { task: "quick", input: { n: first + index } }),
  );
  const batches = [40, 60].map((offset) => {
    const input = Array.from({ length: 20 }, (_, index) => ({ n: first + offset + index }));
    return app.call("enqueueMany", { task: "quick", input });
  });
  return [...singles, ...batches];
}

function idsOf(answers: readonly Answer[]): string[] {
  return answers.flatMap(({ value }) =>
    Array.isArray(value) ? value.map(String) : [String(value)],
  );
}

it(`the store thread dies ${DEATHS} times: unanswered enqueues are sent again and stored once (seed ${SEED})`, async () => {
  const chance = new Chance(SEED);
  using shop = new Workshop();
  await using app = await shop.open({ work: { loop: 20, threads: 1 } });
  let acknowledged = 0;

  for (let death = 1; death <= DEATHS; death++) {
    const first = death * 1_000;
    const before = enqueueAll(app, first);
    // Some die with the calls still on their way, some in the middle of the work.
    const headStart = chance.between(0, 5);
    await Promise.all(before.slice(0, headStart));
    await app.ask("endThread", STORE);
    const answers = await Promise.all([...before, ...enqueueAll(app, first + 100)]);
    acknowledged += idsOf(answers).length;
    expect(answers.filter(({ outcome }) => outcome !== "ok")).toEqual([]);
    expect(new Set(idsOf(answers)).size).toBe(idsOf(answers).length);
  }

  await app.ask("join", { options: { waitMs: 40_000 } });
  const replaced = await app.events("replaced");
  await app.close();
  const jobs = jobsOf(shop);
  const numbers = jobs.map(({ n }) => n);
  console.log(
    `store thread × ${DEATHS}, seed ${SEED}: ${acknowledged} acknowledged, ${jobs.length} stored, ` +
      `${shop.repeated().length} ran twice`,
  );
  expect(replaced).toHaveLength(DEATHS);
  expect(numbers).toHaveLength(acknowledged);
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(jobs.filter(({ state, attempt }) => state !== "done" || attempt !== 1)).toEqual([]);
}, 90_000);

it("attempts that run while the store thread is replaced are settled by the new one, once", async () => {
  using shop = new Workshop();
  await using app = await shop.open({ work: { loop: 50, threads: 2 } });
  // They end before the thread dies, while it is replaced, and after.
  for (let n = 1; n <= 20; n++) await app.enqueue("linger", { n, ms: 300 + n * 25 });
  for (let n = 21; n <= 24; n++) await app.enqueue("crunch", { n, ms: 150 * (n - 20) });
  await until("the work has begun", () => (shop.runs().size >= 22 ? true : undefined));

  await app.ask("endThread", STORE);
  await app.ask("join", { options: { waitMs: 40_000 } });
  await app.close();

  const jobs = jobsOf(shop);
  console.log(`attempts over a dead store thread: ${shop.repeated().length} of 24 ran twice`);
  expect(jobs.filter(({ state, attempt }) => state !== "done" || attempt !== 1)).toEqual([]);
  expect(shop.repeated()).toEqual([]);
}, 60_000);

it("a job on a thread keeps its lease when the store thread is replaced under it", async () => {
  using shop = new Workshop();
  await using app = await shop.open({ work: { loop: 1, threads: 1 } });
  await app.enqueue("crunch", { n: 1, ms: 9_000 });
  await until("it runs", () => (shop.runs().has(1) ? true : undefined));
  const leaseEnd = (): number => {
    using file = StoreFile.open(shop.file);
    return Number(file.db.prepare("SELECT lease_until FROM jobs").get()?.["lease_until"]);
  };
  const before = leaseEnd();

  await app.ask("endThread", STORE);

  await until("the new engine renews it", () => (leaseEnd() > before ? true : undefined));
  await app.ask("join", { options: { waitMs: 40_000 } });
  await app.close();
  expect(shop.repeated()).toEqual([]);
}, 60_000);

it("the supervisor dies: what ran on its threads comes back with one loss, the loop goes on", async () => {
  using shop = new Workshop();
  await using app = await shop.open({ work: { loop: 50, threads: 2 } });
  for (let n = 1; n <= 20; n++) await app.enqueue("linger", { n, ms: 500 });
  for (let n = 21; n <= 24; n++) await app.enqueue("crunch", { n, ms: 400 });
  await until("the work has begun", () => (shop.runs().size >= 22 ? true : undefined));

  await app.ask("endThread", SUPERVISOR);
  await app.ask("enqueue", { task: "crunch", input: { n: 25 } });
  await app.ask("join", { options: { waitMs: 30_000 } });
  await app.close();

  const jobs = jobsOf(shop);
  const ofTask = (task: string): JobRow[] => jobs.filter((job) => job.task === task);
  console.log(
    `a dead supervisor: losses ${ofTask("crunch")
      .map(({ losses }) => losses)
      .join(" ")}`,
  );
  expect(jobs.filter(({ state, attempt }) => state !== "done" || attempt !== 1)).toEqual([]);
  expect(ofTask("linger").filter(({ losses }) => losses > 0)).toEqual([]);
  expect(ofTask("crunch").filter(({ losses }) => losses > 1)).toEqual([]);
  expect(ofTask("crunch").some(({ losses }) => losses === 1)).toBe(true);
  expect(shop.repeated().length).toBeLessThanOrEqual(2);
}, 60_000);

it(`both runtime threads die together, in either order, and no job is lost (seed ${SEED})`, async () => {
  const chance = new Chance(SEED);
  using shop = new Workshop();
  await using app = await shop.open({ work: { loop: 10, threads: 1 } });
  const answers: Answer[] = [];

  for (let death = 1; death <= 4; death++) {
    const calls = enqueueAll(app, death * 1_000);
    const threads = Array.from({ length: 3 }, (_, index) =>
      app.call("enqueue", { task: "crunch", input: { n: death * 1_000 + 500 + index } }),
    );
    const order = chance.next() < 0.5 ? [STORE, SUPERVISOR] : [SUPERVISOR, STORE];
    await Promise.all(order.map((thread) => app.ask("endThread", thread)));
    answers.push(...(await Promise.all([...calls, ...threads])));
  }
  // The last replacement may still be on its way: only a job that runs shows that all is well.
  answers.push(await app.call("enqueue", { task: "crunch", input: { n: 9_000 } }));
  await app.ask("join", { options: { waitMs: 40_000 } });
  await app.close();

  const jobs = jobsOf(shop);
  expect(answers.filter(({ outcome }) => outcome !== "ok")).toEqual([]);
  expect(jobs).toHaveLength(idsOf(answers).length);
  expect(jobs.filter(({ state, attempt }) => state !== "done" || attempt !== 1)).toEqual([]);
}, 90_000);

it("a new store thread that cannot open the file is tried again until it can", async () => {
  using shop = new Workshop();
  await using app = await shop.open({ work: { loop: 5 } });
  await app.enqueue("quick", { n: 1 });
  using mutilated = new Mutilated(shop.file);

  await app.ask("endThread", STORE);
  const waiting = app.call("enqueue", { task: "quick", input: { n: 2 } });
  await until("it has failed to open the file twice", async () => {
    return (await app.events("replaced")).length >= 3 ? true : undefined;
  });
  mutilated.heal();

  expect((await waiting).outcome).toBe("ok");
  await app.ask("join", { options: { waitMs: 20_000 } });
  await app.close();
  expect(jobsOf(shop).map(({ n, state }) => ({ n, state }))).toEqual([
    { n: 1, state: "done" },
    { n: 2, state: "done" },
  ]);
}, 60_000);

it("a close while the supervisor is gone does not wait for it", async () => {
  using shop = new Workshop();
  await using app = await shop.open({ work: { loop: 1, threads: 1 } });
  // By the third death its replacement has to wait.
  for (let death = 1; death <= 4; death++) await app.ask("endThread", SUPERVISOR);

  const { tookMs } = await app.call("close", { options: { graceMs: 20_000 } });

  expect(tookMs).toBeLessThan(5_000);
}, 60_000);
