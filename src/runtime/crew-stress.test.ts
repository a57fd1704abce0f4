import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { App } from "../client/app.ts";
import { openWith } from "../client/open-app.ts";
import { ON_THREADS, Stage } from "../../test/e2e/stage.ts";
import { BusyWork, expectOnlyKnownErrors } from "../../test/runtime/busy-app.ts";
import { CountedTimers } from "../../test/runtime/counted-timers.ts";
import * as busyCrewTasks from "../../test/runtime/fixtures/busy-tasks.ts";
import { offspring } from "../../test/runtime/offspring.ts";
import { SEED, SeededChance } from "../../test/runtime/seeded-chance.ts";
import { machineClock } from "../threads/machine-clock.ts";
import type { InlinePorts } from "./launch-inline.ts";

/** Few, because each starts threads and processes; the seed is another one each time. */
const RUNS = 2;
/** A process that was still starting ends when it gets to its lifeline; a loaded machine takes its time. */
const GONE_MS_MAX = 15_000;

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", note);
});
afterEach(() => {
  process.off("unhandledRejection", note);
});

/** Opens an app with handlers of all sorts wherever they can run. */
async function openOnCrews(
  stage: Stage,
  ports: InlinePorts,
  chance: SeededChance,
): Promise<BusyWork> {
  const app: App = await openWith(ports, {
    ...{ store: stage.store, runtime: "threads", logger: stage.logger },
    tasks: new URL("../../test/runtime/fixtures/busy-tasks.ts", import.meta.url),
    work: { loop: 2, threads: 2, processes: 1 },
    queues: { busy: { capacity: 20, waitersMax: 5 } },
  });
  return new BusyWork(app, chance, Object.values(busyCrewTasks));
}

describe.each(ON_THREADS)(
  `threads and processes on $store, closed at a random moment (seed ${SEED})`,
  (mode) => {
    // A close that forgot its grace would take the default, which is longer than a test may take.
    it("end each call and leave no timer, no thread and no process", async () => {
      for (let run = 0; run < RUNS; run++) {
        await using stage = await Stage.open(mode);
        const chance = new SeededChance(SEED + run);
        const timers = new CountedTimers();
        const work = await openOnCrews(
          stage,
          { clock: machineClock, timers, random: chance.next },
          chance,
        );
        for (let deeds = chance.upTo(60); deeds > 0; deeds--) {
          work.deed();
          for (let turns = chance.upTo(500); turns > 0; turns--) await turn();
        }

        const graceMs = chance.upTo(300);
        await Promise.all([work.app.close({ graceMs }), work.app.close()]);
        await work.app.close();

        expectOnlyKnownErrors(await work.outcomes());
        await expect.poll(() => timers.pendingCount).toBe(0);
        await expect.poll(offspring, { timeout: GONE_MS_MAX }).toEqual([]);
      }
      expect(unhandled).toEqual([]);
    });

    it("can be closed before, and in the same turn as, their first call", async () => {
      const chance = new SeededChance(SEED);
      const timers = new CountedTimers();
      const ports = { clock: machineClock, timers, random: chance.next };
      await using stage = await Stage.open(mode);
      const idle = await openOnCrews(stage, ports, chance);
      await idle.app.close();
      const work = await openOnCrews(stage, ports, chance);

      for (let deeds = 0; deeds < 20; deeds++) work.deed();
      await work.app.close({ graceMs: 50 });

      expectOnlyKnownErrors(await work.outcomes());
      await expect.poll(() => timers.pendingCount).toBe(0);
      await expect.poll(offspring, { timeout: GONE_MS_MAX }).toEqual([]);
    });
  },
);

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
