import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Chance, SEED } from "./chance.ts";
import { LastBuild } from "./last-build.ts";
import { type RemoteApp, Workshop } from "./remote-app.ts";
import { SharedLedger } from "./shared-ledger.ts";
import { StoreFile } from "./store-file.ts";

const KILLS = 20;
const WORK = { loop: 5, threads: 1 };
const JOBS_EACH = 130;

let last: LastBuild;
beforeAll(async () => {
  last = await LastBuild.make();
}, 180_000);
afterAll(() => last[Symbol.dispose]());

/** Some of each task, from `first` on. */
async function enqueueSome(app: RemoteApp, first: number): Promise<void> {
  const input = Array.from({ length: 100 }, (_, index) => ({ n: first + index }));
  await app.ask("enqueueMany", { task: "slow", input });
  for (let n = first + 100; n < first + 110; n++) await app.enqueue("flaky", { n });
  for (let n = first + 110; n < first + JOBS_EACH; n++) await app.enqueue("crunch", { n });
}

describe(`this build and ${LastBuild.title}`, () => {
  it.each(["this one", "the last one"])(
    "enqueue and work on one file at once, which %s has made: each job is done once",
    async (maker) => {
      using shop = new Workshop();
      const here = { work: WORK };
      const there = { work: WORK, fixtures: last.fixtures };
      const [first, second] = maker === "this one" ? [here, there] : [there, here];
      await using one = await shop.open(first);
      await enqueueSome(one, 0);
      await using other = await shop.open(second);

      await Promise.all([enqueueSome(one, 1_000), enqueueSome(other, 2_000)]);
      await Promise.all(
        [one, other].map((app) => app.ask("join", { options: { waitMs: 40_000 } })),
      );
      await Promise.all([one.close(), other.close()]);

      using file = StoreFile.open(shop.file);
      const wrong = file.jobs().filter(({ task, state, attempt, losses }) => {
        const attempts = task === "flaky" ? 2 : 1;
        return state !== "done" || attempt !== attempts || losses !== 0;
      });
      const pids = new Set(shop.runners().map(([, pid]) => pid));
      expect(wrong).toEqual([]);
      expect(file.jobs()).toHaveLength(3 * JOBS_EACH);
      expect(shop.runners()).toHaveLength(3 * (JOBS_EACH + 10));
      expect(pids.size).toBe(2);
      expect(file.faults()).toEqual([]);
    },
    90_000,
  );

  it(`lose no job and do none twice while one or the other is killed, ${KILLS} times (seed ${SEED})`, async () => {
    using shared = new SharedLedger([undefined, last.fixtures]);

    await shared.run(KILLS, new Chance(SEED + 2));

    const crossings = shared.crossings();
    console.log(`this build and ${LastBuild.title}, kill -9 × ${KILLS}, seed ${SEED}:`, {
      ...shared.summary(),
      crossings,
    });
    expect(shared.wrongs()).toEqual([]);
    expect(Math.min(...crossings)).toBeGreaterThan(0);
  }, 120_000);
});
