import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { type App, handle, open, task } from "../../src/index.ts";
import { count, increment } from "./counters-tasks.ts";
import { SharedMutex, SharedQueue } from "../../src/threads/index.ts";
import { Actor } from "../threads/actor.ts";
import { quietLogger } from "./quiet-logger.ts";
import { SystemFolder } from "./system-folder.ts";

const MILLION = 1_000_000;

/** A thread that counts one in shared memory, as `counters[0]++` does: it reads, and then it writes. */
const RACER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const counters = new Int32Array(workerData);
  const before = counters[0];
  parentPort.once("message", () => {
    counters[0] = before + 1;
  });
  parentPort.postMessage("read");
`;

/** The one owner of the counters, in a process with threads that only send to it. */
async function counting(store: string) {
  const counters = new Map<string, number>();
  const owner = handle(increment, async ({ name, by }) => {
    counters.set(name, (counters.get(name) ?? 0) + by);
  });
  const work = { threads: 2, loop: 1 };
  const threads: App = await open({
    store,
    tasks: new URL("./counters-tasks.ts", import.meta.url),
    work,
    logger: quietLogger,
  });
  return { counters, owner, threads };
}

describe("counters with one owner", () => {
  it("add up to exactly 2,000,000 after two threads have sent a million increments each", async () => {
    await using folder = await SystemFolder.make();
    const { counters, owner, threads } = await counting(folder.store);
    const app = await open({ store: folder.store, tasks: [owner], work: { loop: 1, threads: 0 } });
    const order = { name: "hits", total: MILLION, perMessage: 10_000 };
    await app.enqueue(count, { ...order, sender: "first" });
    await app.enqueue(count, { ...order, sender: "second" });

    const { done, failed } = await app.join({ waitMs: 60_000 });
    await Promise.all([app.close(), threads.close()]);

    expect(counters).toEqual(new Map([["hits", 2 * MILLION]]));
    expect({ done, failed }).toEqual({ done: 2 + 200, failed: 0 });
  });

  it("count nothing twice when a sender's thread dies in the middle and starts again", async () => {
    await using folder = await SystemFolder.make();
    const { counters, owner, threads } = await counting(folder.store);
    const app = await open({ store: folder.store, tasks: [owner], work: { loop: 1, threads: 0 } });
    const order = { name: "hits", total: 10_000, perMessage: 100, crashMark: folder.file("mark") };

    const job = await app.enqueue(count, { ...order, sender: "crashing" });
    await app.join({ waitMs: 60_000 });
    const { losses } = await job.status();
    await Promise.all([app.close(), threads.close()]);

    expect(losses).toBe(1);
    expect(counters).toEqual(new Map([["hits", 10_000]]));
  });

  it("keep each name's count apart, however the messages mix, one message per increment", async () => {
    const counters = new Map<string, number>();
    const add = task("add", {}, async (name: string) => {
      const before = counters.get(name) ?? 0;
      // Gives way in the middle, as an owner on threads would without a lock.
      await Promise.resolve();
      counters.set(name, before + 1);
    });
    const app = await open({ store: "memory:", tasks: [add], work: { loop: 1 } });
    const names = Array.from({ length: 10_000 }, (_, index) => `counter ${index % 3}`);

    await Promise.all(names.map((name) => app.enqueue(add, name)));
    await app.join();
    await app.close();

    expect(Object.fromEntries(counters)).toEqual({
      "counter 0": 3_334,
      "counter 1": 3_333,
      "counter 2": 3_333,
    });
  });

  it("stand beside the lost-update race of two threads without a lock: two increments count once", async () => {
    const memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const threads = [1, 2].map(() => new Worker(RACER, { eval: true, workerData: memory }));
    const ended = threads.map((thread) => once(thread, "exit"));

    // Both have read before either writes: what a machine does now and then, done on purpose.
    await Promise.all(threads.map((thread) => once(thread, "message")));
    for (const thread of threads) thread.postMessage("write");
    await Promise.all(ended);

    expect(new Int32Array(memory)[0]).toBe(1);
  });

  it("under a SharedMutex: 2 threads × 1,000,000 increments give exactly 2,000,000", async () => {
    const things = {
      mutex: new SharedMutex({ name: "hits" }),
      hits: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
    };
    await using first = await Actor.start(things);
    await using second = await Actor.start(things);
    const add = (actor: typeof first): Promise<void> =>
      actor.run(({ mutex, hits }, total: number) => {
        for (let n = 0; n < total; n++) {
          mutex.runSync(() => {
            hits[0] = (hits[0] ?? 0) + 1;
          });
        }
      }, MILLION);
    await Promise.all([add(first), add(second)]);

    expect(things.hits[0]).toBe(2 * MILLION);
  });

  it("of one owner behind a SharedQueue: 2 threads × 1,000,000 increments give exactly 2,000,000", async () => {
    const queue = new SharedQueue<string>({ name: "increments", slotBytes: 32 });
    await using first = await Actor.start({ queue });
    await using second = await Actor.start({ queue });
    await using owner = await Actor.start({ queue });
    const counted = owner.run(({ queue: increments }, total: number) => {
      let hits = 0;
      for (let n = 0; n < total; n++) {
        const lease = increments.getSync();
        if (lease.value === "hits") hits++;
        lease.done();
      }
      return hits;
    }, 2 * MILLION);
    const send = (actor: typeof first): Promise<void> =>
      actor.run(({ queue: increments }, total: number) => {
        for (let n = 0; n < total; n++) increments.putSync("hits");
      }, MILLION);
    await Promise.all([send(first), send(second)]);

    expect(await counted).toBe(2 * MILLION);
    expect(await queue.join()).toEqual({ done: 2 * MILLION, failed: 0, errors: [] });
  });

  it("stand beside two threads that take L1 and L2 in two orders: UNJAM_DEADLOCK names both stacks", async () => {
    const things = {
      L1: new SharedMutex({ name: "L1" }),
      L2: new SharedMutex({ name: "L2" }),
      met: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
    };
    await using first = await Actor.start(things);
    await using second = await Actor.start(things);
    const results = await Promise.allSettled([
      first.run(function deposit({ L1, L2, met }) {
        L1.runSync(function inL1() {
          Atomics.add(met, 0, 1);
          while (Atomics.load(met, 0) < 2);
          L2.runSync(() => undefined);
        });
      }),
      second.run(function withdraw({ L1, L2, met }) {
        L2.runSync(function inL2() {
          Atomics.add(met, 0, 1);
          while (Atomics.load(met, 0) < 2);
          L1.runSync(() => undefined);
        });
      }),
    ]);

    const refused = results.filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(1);
    const text = JSON.stringify(refused);
    for (const place of ["in deposit", "in inL1", "in withdraw", "in inL2"]) {
      expect(text).toContain(place);
    }
    expect(text).toContain("UNJAM_DEADLOCK");
  });
});
