import { beforeAll, expect, it } from "vitest";
import { Chance, SEED } from "./chance.ts";
import { type Change, ChangedBuild } from "./changed-build.ts";
import { Ledger } from "./ledger.ts";
import { requireMounts, SmallDisk } from "./small-disk.ts";
import { halfBatches, StoreFile } from "./store-file.ts";

const CUTS = 25;
const CONTROL_CUTS = 3;
const BASE_STEP = 1_000_000;
/** A store that does not wait for the disk: the cut must be seen to take something from it. */
const CARELESS: readonly Change[] = [
  ["store/sqlite/connection.ts", "PRAGMA synchronous = FULL", "PRAGMA synchronous = OFF"],
  ["store/sqlite/connection.ts", "synchronous !== 2", "synchronous === 2"],
];

beforeAll(requireMounts);

interface Cut {
  readonly acknowledged: number;
  readonly lost: number;
  readonly wrong: readonly string[];
}

/** One life on a disk that loses its power in the middle of it, and what is there afterwards. */
async function cutOnce(chance: Chance, variables: Readonly<Record<string, string>>): Promise<Cut> {
  using disk = SmallDisk.ext4();
  using ledger = new Ledger(disk.folder);
  await using program = ledger.start({ BASE: String(BASE_STEP), ...variables });
  await program.line("ready");
  // Before the cut: an fsync that is under way in the moment of the cut is told that it went well,
  // also when one calls it by hand.
  const acknowledged = await new Promise<number[]>((resolve) => {
    setTimeout(
      () => {
        resolve(ledger.acknowledged());
        disk.cutPower();
      },
      chance.between(20, 250),
    );
  });
  await program.kill();
  disk.unmount();
  disk.mount();

  using file = StoreFile.open(ledger.store);
  if (!file.hasTables)
    return { acknowledged: acknowledged.length, lost: acknowledged.length, wrong: [] };
  const jobs = file.jobs();
  const stored = new Set(jobs.map(({ n }) => n));
  return {
    acknowledged: acknowledged.length,
    lost: acknowledged.filter((n) => !stored.has(n)).length,
    wrong: [...halfBatches(jobs), ...file.faults()],
  };
}

async function cutOften(count: number, variables: Readonly<Record<string, string>>): Promise<Cut> {
  const chance = new Chance(SEED);
  const cuts: Cut[] = [];
  while (cuts.length < count) cuts.push(await cutOnce(chance, variables));
  return {
    acknowledged: cuts.reduce((sum, cut) => sum + cut.acknowledged, 0),
    lost: cuts.reduce((sum, cut) => sum + cut.lost, 0),
    wrong: cuts.flatMap((cut) => cut.wrong),
  };
}

it(`${CUTS} power cuts take no acknowledged job and halve no batch (seed ${SEED})`, async () => {
  const cuts = await cutOften(CUTS, {});

  console.log(`power cuts × ${CUTS}, seed ${SEED}: ${JSON.stringify(cuts)}`);
  expect(cuts).toMatchObject({ lost: 0, wrong: [] });
  expect(cuts.acknowledged).toBeGreaterThan(100);
}, 120_000);

it("a power cut takes jobs from a store that does not wait for the disk, so the test can see it", async () => {
  using careless = new ChangedBuild(CARELESS);

  const cuts = await cutOften(CONTROL_CUTS, { BUILD: careless.index });

  console.log(`power cuts × ${CONTROL_CUTS} without fsync: ${JSON.stringify(cuts)}`);
  expect(cuts.lost).toBeGreaterThan(0);
}, 60_000);
