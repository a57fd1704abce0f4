import { expect, it } from "vitest";
import { Chance, SEED } from "./chance.ts";
import { Ledger } from "./ledger.ts";
import { SharedLedger, staleRuns } from "./shared-ledger.ts";
import { halfBatches, type JobRow, StoreFile } from "./store-file.ts";

const KILLS = 105;
const SHARED_KILLS = 25;
/** One kill in six comes before the process is ready: while it opens, recovers, migrates. */
const EARLY_SHARE = 1 / 6;
/**
 * So often a process lives until its threads have done a job: they start later than most of these
 * processes die, and a job that is never reached has too many losses in the end (LOSSES_MAX).
 */
const LONG_LIFE_EVERY = 5;
/** What a program may say. A disk that is slow for a moment blocks the handlers, which write too. */
const EXPECTED = /^ready$|^crunched$|blocked the main loop/;
const BASE_STEP = 1_000_000;

async function killOnce(ledger: Ledger, chance: Chance, cycle: number): Promise<void> {
  await using program = ledger.start({ BASE: String(cycle * BASE_STEP) });
  const isLong = cycle % LONG_LIFE_EVERY === 0;
  const isEarly = !isLong && chance.next() < EARLY_SHARE;
  if (!isEarly) await program.line(isLong ? "crunched" : "ready");
  const delayMs = isEarly ? chance.between(30, 300) : chance.next() * 60;
  setTimeout(() => program.signal("SIGKILL"), delayMs);
  const end = await program.ended;
  expect(end.signal, program.lines.join("\n")).toBe("SIGKILL");
  expect(program.lines.filter((line) => !EXPECTED.test(line))).toEqual([]);
  ledger.lookAfterKill();
}

/** What is wrong with a job that nobody disturbs any more. */
function wrongJobs(jobs: readonly JobRow[], ledger: Ledger): string[] {
  const losses = new Map<number, number>();
  for (const lease of ledger.interrupted) {
    const id = Number(lease.split(" ")[0]);
    losses.set(id, (losses.get(id) ?? 0) + 1);
  }
  return jobs.flatMap((job) => {
    const wanted = {
      state: "done",
      attempt: job.task === "flaky" ? 2 : 1,
      losses: losses.get(job.id) ?? 0,
      token: job.attempt + job.losses,
    };
    const { state, attempt, losses: lost, token } = job;
    const found = { state, attempt, losses: lost, token };
    return JSON.stringify(found) === JSON.stringify(wanted)
      ? []
      : [`job ${job.n} (${job.task}) is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`];
  });
}

it(`${KILLS} times kill -9 lose no acknowledged job, halve no batch and cost each interrupted job one loss (seed ${SEED})`, async () => {
  const chance = new Chance(SEED);
  using ledger = new Ledger();

  for (let cycle = 1; cycle <= KILLS; cycle++) await killOnce(ledger, chance, cycle);
  await using drain = ledger.start({ DRAIN: "1" });
  const failedCount = await drain.line("drained", 200_000);
  const { code } = await drain.ended;

  using file = StoreFile.copyOf(ledger.store);
  const jobs = file.jobs();
  const stored = new Set(jobs.map(({ n }) => n));
  const acknowledged = ledger.acknowledged();
  const runs = ledger.runs();
  const ran = new Set(runs.map(([n]) => n));
  console.log(
    `kill -9 × ${KILLS}, seed ${SEED}: ${acknowledged.length} jobs acknowledged, ${jobs.length} stored, ` +
      `${ledger.interrupted.size} attempts interrupted, ${runs.length} runs`,
  );
  expect({ code, failedCount }).toEqual({ code: 0, failedCount: "0" });
  expect(acknowledged.filter((n) => !stored.has(n))).toEqual([]);
  expect(halfBatches(jobs)).toEqual([]);
  expect(wrongJobs(jobs, ledger)).toEqual([]);
  expect(jobs.filter(({ n }) => !ran.has(n))).toEqual([]);
  expect(staleRuns(runs)).toEqual([]);
  expect(file.faults()).toEqual([]);
  expect(ledger.interrupted.size).toBeGreaterThan(KILLS);
}, 600_000);

it(`of two processes on one file one is killed, ${SHARED_KILLS} times, while the other works on (seed ${SEED})`, async () => {
  using shared = new SharedLedger([undefined, undefined]);

  await shared.run(SHARED_KILLS, new Chance(SEED + 1));

  console.log(`two processes, kill -9 × ${SHARED_KILLS}, seed ${SEED}:`, shared.summary());
  expect(shared.wrongs()).toEqual([]);
}, 120_000);
