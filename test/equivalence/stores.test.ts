import * as fc from "fast-check";
import { expect, it } from "vitest";
import { MemoryStore } from "../../src/store/memory/memory-store.ts";
import { ManualClock } from "../conformance/manual-clock.ts";
import type { OpenedStore } from "../conformance/scene.ts";
import { openTemporarySqlite } from "../conformance/temporary-store.ts";
import { type StoreCommand, storeCommand } from "./store-command.ts";
import { StoreTwin } from "./store-twin.ts";

/** Repeat a run with UNJAM_SEED=<the seed in the test's name>. */
const SEED = Number(process.env["UNJAM_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const RUN_COUNT = 500;
const STEPS_MAX = 40;

function openMemory(): OpenedStore {
  const clock = new ManualClock();
  const store = new MemoryStore(clock.ports);
  return { store, clock, [Symbol.asyncDispose]: () => store.close() };
}

async function compare(commands: readonly StoreCommand[]): Promise<void> {
  await using memory = await StoreTwin.open(openMemory());
  await using sqlite = await StoreTwin.open(await openTemporarySqlite());
  for (const command of commands) {
    const [inMemory, inSqlite] = [await memory.step(command), await sqlite.step(command)];
    expect(inSqlite).toEqual(inMemory);
  }
}

it(`memory and SQLite answer and show the same, step by step (seed ${SEED})`, async () => {
  const commands = fc.array(storeCommand, { maxLength: STEPS_MAX, size: "max" });

  await fc.assert(fc.asyncProperty(commands, compare), { seed: SEED, numRuns: RUN_COUNT });
});
