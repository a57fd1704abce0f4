import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openWith } from "../client/open-app.ts";
import type { App } from "../client/app.ts";
import type { Logger } from "../core/job-context.ts";
import { BusyWork, busyTasks, expectOnlyKnownErrors } from "../../test/runtime/busy-app.ts";
import { CountedTimers } from "../../test/runtime/counted-timers.ts";
import { SEED, SeededChance } from "../../test/runtime/seeded-chance.ts";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import { machineClock } from "../threads/machine-clock.ts";
import type { InlinePorts } from "./launch-inline.ts";

const RUNS_ON_STEPPED_TIME = 150;
const RUNS_ON_REAL_TIME = 60;
const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", note);
});
afterEach(() => {
  process.off("unhandledRejection", note);
});

/** Opens an app with handlers of all sorts, in a small queue so that callers have to wait. */
async function openBusy(ports: InlinePorts, chance: SeededChance): Promise<BusyWork> {
  const tasks = busyTasks(chance, ports.timers);
  const app: App = await openWith(ports, {
    ...{ store: "memory:", runtime: "inline", logger: SILENT, tasks },
    work: { loop: 1 + chance.upTo(4) },
    queues: { busy: { capacity: 10, waitersMax: 5 } },
  });
  return new BusyWork(app, chance, tasks);
}

describe(`a runtime that is closed at a random moment while work flows (seed ${SEED})`, () => {
  it("ends each call and leaves no timer, on stepped time", async () => {
    for (let run = 0; run < RUNS_ON_STEPPED_TIME; run++) {
      const chance = new SeededChance(SEED + run);
      const clock = new SteppedClock();
      const ports = { clock, timers: clock, random: chance.next };
      const work = await clock.until(openBusy(ports, chance));
      for (let deeds = chance.upTo(60); deeds > 0; deeds--) {
        work.deed();
        if (chance.next() < 0.5) await clock.advance(chance.upTo(15));
      }

      const graceMs = chance.upTo(100);
      const closed = Promise.all([work.app.close({ graceMs }), work.app.close()]);
      await clock.advance(graceMs + 200);
      await clock.until(closed);

      expectOnlyKnownErrors(await clock.until(work.outcomes()));
      // Bodies that were given up may still wait; nothing of the runtime does.
      await clock.advance(200);
      expect([run, clock.pendingCount]).toEqual([run, 0]);
    }
    expect(unhandled).toEqual([]);
  });

  it("ends each call and leaves no timer, on real time", async () => {
    for (let run = 0; run < RUNS_ON_REAL_TIME; run++) {
      const chance = new SeededChance(SEED + run);
      const timers = new CountedTimers();
      const work = await openBusy({ clock: machineClock, timers, random: chance.next }, chance);
      for (let deeds = chance.upTo(60); deeds > 0; deeds--) {
        work.deed();
        for (let turns = chance.upTo(3); turns > 0; turns--) await turn();
      }

      const graceMs = chance.upTo(30);
      await Promise.all([work.app.close({ graceMs }), work.app.close()]);

      expectOnlyKnownErrors(await work.outcomes());
      await expect.poll(() => timers.pendingCount).toBe(0);
    }
    expect(unhandled).toEqual([]);
  });

  it("can be closed before, and in the same turn as, its first call", async () => {
    const chance = new SeededChance(SEED);
    const timers = new CountedTimers();
    const ports = { clock: machineClock, timers, random: chance.next };
    const idle = await openBusy(ports, chance);
    await idle.app.close();
    const work = await openBusy(ports, chance);

    for (let deeds = 0; deeds < 20; deeds++) work.deed();
    await work.app.close({ graceMs: 50 });

    expectOnlyKnownErrors(await work.outcomes());
    await expect.poll(() => timers.pendingCount).toBe(0);
  });
});

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
