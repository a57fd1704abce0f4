import { describe, expect, it } from "vitest";
import { type RemoteApp, Workshop } from "./remote-app.ts";
import { type JobRow, StoreFile } from "./store-file.ts";

const SETTINGS = { tasks: "./process-tasks.ts", work: { loop: 120, threads: 2, processes: 0 } };
const CASES = [
  { task: "crashOnLoop", count: 100 },
  { task: "crashOnThread", count: 25 },
] as const;

/** Starts a worker again each time that it dies, until all is done. Answers how often it died. */
async function untilDone(shop: Workshop, first: RemoteApp): Promise<number> {
  let app = first;
  for (let crashes = 0; ; crashes++) {
    await using current = app;
    const joined = current.ask("join", { options: { waitMs: 110_000 } });
    const died = await Promise.race([
      joined.then(() => false),
      current.program.ended.then(() => true),
    ]);
    joined.catch(() => undefined);
    if (!died) {
      await current.close();
      return crashes;
    }
    expect((await current.program.ended).signal).toBe("SIGSEGV");
    if (crashes > 10) throw new Error("it goes on crashing");
    app = await shop.open(SETTINGS);
  }
}

function jobsOf(shop: Workshop): JobRow[] {
  using file = StoreFile.open(shop.file);
  expect(file.faults()).toEqual([]);
  return file.jobs();
}

describe.each(CASES)("a job that kills its process each time, $task", ({ task, count }) => {
  it(`does so twice, then dies alone; the ${count} jobs beside it are done at their first attempt`, async () => {
    using shop = new Workshop();
    // By one that does not work: a worker could crash before it has answered.
    const client = await shop.open({ ...SETTINGS, work: false });
    const guilty = await client.enqueue(task, { n: 0 });
    const input = Array.from({ length: count }, (_, index) => ({ n: index + 1 }));
    await client.ask("enqueueMany", { task: "besideCrashes", input });
    await client.close();

    const crashes = await untilDone(shop, await shop.open(SETTINGS));

    const jobs = jobsOf(shop);
    const innocent = jobs.filter(({ n }) => n > 0);
    const runsPerJob = shop.runs();
    console.log(
      `${task} ${guilty}: ${crashes} crashes, ${[...runsPerJob.values()].filter((times) => times > 2).length} jobs ran alone`,
    );
    expect(crashes).toBe(2);
    expect(innocent).toHaveLength(count);
    expect(innocent.filter(({ state, attempt }) => state !== "done" || attempt !== 1)).toEqual([]);
    expect(innocent.some(({ losses }) => losses === 2)).toBe(true);
    expect(jobs.filter(({ n }) => n === 0)).toMatchObject([
      { state: "dead", losses: 2, attempt: 1 },
    ]);
    expect(runsPerJob.get(0)).toBe(3);
    const { cause } = errorOf(shop);
    expect(cause).toMatchObject({
      code: "UNJAM_PROCESS_DIED",
      details: { task, reason: "it was killed by SIGSEGV", losses: 2 },
    });
  }, 240_000);
});

/** The evidence that is kept with the dead job. */
function errorOf(shop: Workshop): { readonly cause: unknown } {
  using file = StoreFile.open(shop.file);
  const row = file.db.prepare("SELECT error FROM jobs WHERE state = 4").get();
  return { cause: JSON.parse(String(row?.["error"])) as unknown };
}
