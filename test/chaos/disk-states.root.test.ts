import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { until } from "./condition.ts";
import { Mutilated } from "./mutilated.ts";
import { type Answer, type RemoteApp, Workshop } from "./remote-app.ts";
import { requireMounts, SmallDisk } from "./small-disk.ts";
import { StoreFile } from "./store-file.ts";

const DISK_BYTES = 2 * 1024 * 1024;
const BALLAST_BYTES = 1024 * 1024;
const PAGE_BYTES = 4_096;
/** These say that nothing was stored; after the two others a job may be there or not. */
const UNKNOWN = /^UNJAM_(?:OUTCOME_UNKNOWN|WAIT_TIMEOUT)$/;

beforeAll(requireMounts);

/** Enqueues numbered jobs one by one until one is refused, and some more. */
async function enqueueUntilRefused(app: RemoteApp, input: object): Promise<Answer[]> {
  const answers: Answer[] = [];
  let refusals = 0;
  while (refusals < 5) {
    const about = {
      task: "quick",
      input: { n: answers.length, ...input },
      options: { waitMs: 500 },
    };
    const answer = await app.call("enqueue", about);
    answers.push(answer);
    if (answer.outcome !== "ok") refusals++;
  }
  return answers;
}

/** Told and stored must agree, and what was stored must be done. */
function expectTruth(file: string, answers: readonly Answer[]): void {
  using store = StoreFile.open(file);
  const jobs = store.jobs();
  const stored = new Set(jobs.map(({ n }) => n));
  const lies = answers.flatMap(({ outcome }, n) =>
    UNKNOWN.test(outcome) || (outcome === "ok") === stored.has(n)
      ? []
      : [`job ${n} was told ${outcome}`],
  );
  expect(lies).toEqual([]);
  expect(jobs.filter(({ state, attempt }) => state !== "done" || attempt !== 1)).toEqual([]);
  expect(store.faults()).toEqual([]);
}

function countOutcomes(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of answers) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

it("a full disk refuses by its code, loses nothing, and the queue goes on once there is room", async () => {
  using disk = SmallDisk.inMemory(DISK_BYTES);
  using shop = new Workshop(disk.folder);
  const ballast = join(disk.folder, "ballast");
  writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES));
  await using app = await shop.open({ work: { loop: 5 } });

  const answers = await enqueueUntilRefused(app, { padding: "x".repeat(10_000) });
  const whileFull = await app.call("queues");
  rmSync(ballast);
  const about = { task: "quick", input: { n: answers.length }, options: { waitMs: 10_000 } };
  answers.push(await app.call("enqueue", about));
  await app.ask("join", { options: { waitMs: 20_000 } });
  await app.close();

  console.log(`full disk: ${JSON.stringify(countOutcomes(answers))}`);
  expect(countOutcomes(answers)).toHaveProperty("UNJAM_STORE_DISK_FULL", 5);
  expect(whileFull.outcome).toBe("ok");
  expect(answers.at(-1)?.outcome).toBe("ok");
  expectTruth(shop.file, answers);
}, 60_000);

it("a store on a full disk is refused by its code when it is opened, and made once there is room", async () => {
  using disk = SmallDisk.inMemory(DISK_BYTES);
  using shop = new Workshop(disk.folder);
  const ballast = join(disk.folder, "ballast");
  writeFileSync(ballast, Buffer.alloc(DISK_BYTES));

  await using early = shop.start({ work: { loop: 1 } });
  const refused = await early.program.line("refused");
  await early.program.ended;
  rmSync(ballast);
  await using app = await shop.open({ work: { loop: 1 } });
  await app.enqueue("quick", { n: 1 });
  await app.ask("join");
  await app.close();

  expect(refused).toBe("UNJAM_STORE_DISK_FULL");
  using file = StoreFile.open(shop.file);
  expect(file.jobs().map(({ n, state }) => `${n} ${state}`)).toEqual(["1 done"]);
  expect(file.faults()).toEqual([]);
}, 60_000);

it("a disk that turns read-only refuses by its code, and the queue goes on once it can be written", async () => {
  using disk = SmallDisk.ext4();
  using shop = new Workshop(disk.folder);
  await using app = await shop.open({ work: { loop: 5 } });
  const first = await app.call("enqueue", { task: "quick", input: { n: 0 } });
  await app.ask("join");

  disk.emergencyReadOnly();
  const answers = [first];
  while (answers.length < 8) {
    const about = { task: "quick", input: { n: answers.length }, options: { waitMs: 500 } };
    answers.push(await app.call("enqueue", about));
  }
  disk.unmount();
  disk.mount();
  const last = await until("the store takes jobs again", async () => {
    const input = { n: answers.length };
    const answer = await app.call("enqueue", { task: "quick", input, options: { waitMs: 1_000 } });
    answers.push(answer);
    return answer.outcome === "ok" ? answer : undefined;
  });
  await app.ask("join", { options: { waitMs: 20_000 } });
  await app.close();

  console.log(`read-only disk: ${JSON.stringify(countOutcomes(answers))}`);
  expect(last.outcome).toBe("ok");
  expect(countOutcomes(answers)).toHaveProperty("UNJAM_STORE_READ_ONLY");
  expectTruth(shop.file, answers);
}, 60_000);

it("a store on a disk that can only be read is refused when it is opened", async () => {
  using disk = SmallDisk.ext4();
  using shop = new Workshop(disk.folder);
  {
    await using app = await shop.open({ work: false });
    await app.enqueue("quick", { n: 0 });
    await app.close();
  }
  disk.unmount();
  disk.mount("ro");

  await using app = shop.start({ work: { loop: 1 } });

  expect(await app.program.line("refused")).toBe("UNJAM_STORE_READ_ONLY");
});

it("a disk that is gone for a while gets no new, empty store in its place", async () => {
  using disk = SmallDisk.ext4();
  using shop = new Workshop(disk.folder);
  await using app = await shop.open({ work: { loop: 5 } });
  const answers = [await app.call("enqueue", { task: "quick", input: { n: 0 } })];
  await app.ask("join");

  disk.emergencyReadOnly();
  const about = { task: "quick", input: { n: 1 }, options: { waitMs: 500 } };
  answers.push(await app.call("enqueue", about));
  disk.unmount();
  answers.push(await app.call("enqueue", { ...about, input: { n: 2 } }));
  const filesInPlace = readdirSync(disk.folder);
  disk.mount();
  answers.push(
    await app.call("enqueue", { ...about, input: { n: 3 }, options: { waitMs: 9_000 } }),
  );
  await app.ask("join", { options: { waitMs: 20_000 } });
  await app.close();

  console.log(`a disk that was gone: ${answers.map(({ outcome }) => outcome).join(", ")}`);
  expect(filesInPlace).toEqual([]);
  expect(answers.at(-1)?.outcome).toBe("ok");
  expectTruth(shop.file, answers);
}, 60_000);

it("damaged pages refuse by their code, and the process goes on once they are whole", async () => {
  using shop = new Workshop();
  await using app = await shop.open({ work: { loop: 5 } });
  const input = Array.from({ length: 500 }, (_, n) => ({ n, padding: "x".repeat(500) }));
  await app.ask("enqueueMany", { task: "quick", input });
  await app.ask("join");
  using damage = new Mutilated(shop.file, { at: PAGE_BYTES, length: 100 * PAGE_BYTES });
  {
    // Another's commit, on the first page: now the app has to read anew what it had in memory.
    using file = StoreFile.open(shop.file);
    file.db.exec("PRAGMA user_version = 1");
  }

  const about = { task: "quick", options: { waitMs: 1_000 } };
  const calls = ["queues", "workers"].map((name) => app.call(name));
  const enqueues = [500, 501].map((n) => app.call("enqueue", { ...about, input: { n } }));
  const refused = await Promise.all([...enqueues, ...calls]);
  damage.heal();
  await until("the store takes jobs again", async () => {
    const answer = await app.call("enqueue", { ...about, input: { n: 502 } });
    return answer.outcome === "ok" ? answer : undefined;
  });
  await app.ask("join", { options: { waitMs: 30_000 } });
  await app.close();

  const codes = refused.map(({ outcome }) => outcome);
  console.log(`damaged pages: ${codes.join(", ")}`);
  expect(codes.filter((code) => !code.startsWith("UNJAM_"))).toEqual([]);
  expect(codes).toContain("UNJAM_STORE_CORRUPT");
  using file = StoreFile.open(shop.file);
  expect(file.jobs("state <> 3")).toEqual([]);
  expect(file.faults()).toEqual([]);
}, 60_000);
