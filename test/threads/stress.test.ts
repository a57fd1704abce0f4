/**
 * Items pass through threads that are killed all the time: none is lost without a report, nobody
 * waits past his deadline, and nothing piles up: neither memory nor threads nor open files. Its full
 * size runs in CI and by `npm run stress:threads`.
 */
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { isUnjamError, SharedMutex, SharedQueue } from "../../src/threads/index.ts";
import { SEED, SeededChance } from "../runtime/seeded-chance.ts";

const IS_FULL = process.env["STRESS"] === "full" || process.env["CI"] !== undefined;
const ITEMS = IS_FULL ? 1_000_000 : 60_000;
const KILLS = IS_FULL ? 500 : 25;
const THREADS = 2;
const ENTRY = new URL("./fixtures/relay-thread.js", import.meta.url);

/** The system's threads and open files of this process; nothing where the system does not tell. */
function openThings(): { readonly threads: number; readonly files: number } {
  const count = (folder: string): number => (existsSync(folder) ? readdirSync(folder).length : 0);
  return { threads: count("/proc/self/task"), files: count("/proc/self/fd") };
}

/** Turns of the loop until it is true: the test's time-out is the only limit. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate);
}

describe("threads that are killed at random", () => {
  it(`hand over ${ITEMS} items through ${KILLS} deaths (seed ${SEED})`, async () => {
    const chance = new SeededChance(SEED);
    const from = new SharedQueue<number>({ name: "from", capacity: 256 });
    const to = new SharedQueue<number>({ name: "to", capacity: 256 });
    const mutex = new SharedMutex({ name: "m" });
    const words = new Int32Array(new SharedArrayBuffer(8));
    const workerData = {
      ...{ from: from.handle, to: to.handle, mutex: mutex.handle, words: words.buffer },
    };
    const failures: unknown[] = [];
    const start = async (): Promise<Worker> => {
      const worker = new Worker(ENTRY, { workerData });
      worker.on("error", (error) => failures.push(error));
      await once(worker, "message");
      return worker;
    };
    // What Node itself starts with the first thread of a process, and keeps.
    await (await start()).terminate();
    const openBefore = openThings();
    const threads = await Promise.all(Array.from({ length: THREADS }, start));
    const rssBefore = process.memoryUsage.rss();

    /** How often each item has arrived: twice when its thread died between put and done. */
    const arrived = new Uint8Array(ITEMS);
    const progress = { arrivedCount: 0 };
    const take = async (): Promise<void> => {
      for await (const n of to) {
        if (arrived[n] === 0) progress.arrivedCount++;
        arrived[n] = (arrived[n] ?? 0) + 1;
      }
    };
    const taking = take();
    let putCount = 0;
    const putting = (async () => {
      for (; putCount < ITEMS; putCount++) await from.put(putCount, { waitMs: 20_000 });
    })();

    for (let kill = 0; kill < KILLS; kill++) {
      const goal = ((kill + chance.next()) / KILLS) * ITEMS * 0.95;
      await until(() => progress.arrivedCount >= goal);
      const index = chance.upTo(THREADS - 1);
      await threads[index]?.terminate();
      threads[index] = await start();
    }
    await putting;
    const passed = await from.join({ waitMs: 20_000 });
    await to.join({ waitMs: 20_000 });
    to.close();
    await taking;
    await Promise.all(threads.map((thread) => thread.terminate()));

    expect(failures.filter((error) => !isUnjamError(error))).toEqual([]);
    expect(failures).toEqual([]);
    expect(passed).toMatchObject({ done: ITEMS, failed: 0 });
    expect(progress.arrivedCount).toBe(ITEMS);
    const twice = arrived.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
    // An item comes twice only when its thread died with it in its hands.
    expect(twice).toBeLessThanOrEqual(from.snapshot().lossCount);
    expect(from.snapshot().lossCount).toBeLessThanOrEqual(KILLS);
    expect(words[0]).toBeLessThan(2_000);
    expect([from.unfinished, to.unfinished, mutex.isLocked]).toEqual([0, 0, false]);
    expect(openThings()).toEqual(openBefore);
    expect(process.memoryUsage.rss() - rssBefore).toBeLessThan(200 * 2 ** 20);
    process.stderr.write(
      `seed ${SEED}: ${ITEMS} items, ${KILLS} kills, ${from.snapshot().lossCount} came back, ` +
        `${twice} arrived twice, longest wait ${words[0]} ms, ` +
        `${Math.round((process.memoryUsage.rss() - rssBefore) / 2 ** 20)} MB more\n`,
    );
  }, 600_000);
});
