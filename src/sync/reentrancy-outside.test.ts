/**
 * What comes from outside of the thread's own code: the collector, an inspector, the end of a
 * thread. See reentrancy.test.ts.
 */
import { spawnSync } from "node:child_process";
import { describe, expect, it, vi } from "vitest";
import { collectUntil } from "../../test/sync/collector.ts";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";
import { Mutex } from "./mutex.ts";

const PROGRAM_MS_MAX = 50_000;
vi.setConfig({ testTimeout: PROGRAM_MS_MAX + 10_000 });

describe("a callback of a FinalizationRegistry", () => {
  /** Calls `step` when something of the user's was collected. */
  async function whenCollected(step: () => void): Promise<void> {
    let isCalled = false;
    const finalizers = new FinalizationRegistry(() => {
      isCalled = true;
      step();
    });
    (() => finalizers.register({}, undefined))();
    await collectUntil(() => isCalled, "the callback was called");
  }

  it("may put, take, join and close: whoever waits is served", async () => {
    const stage = new QueueStage<string>({ capacity: 1 });
    const { queue } = stage;
    queue.tryPut("a");
    const put = watch(queue.put("b"));
    const told: unknown[] = [];
    await whenCollected(() => {
      const lease = queue.tryGet();
      told.push(lease?.value, queue.tryPut("c"));
      lease?.done();
    });
    await stage.rest();
    const joins: ReturnType<typeof watch>[] = [];
    await whenCollected(() => {
      queue.tryGet()?.done();
      joins.push(watch(queue.join()));
      queue.close();
      told.push(queue.tryPut("d"));
    });
    await stage.rest();

    expect([told, put.value]).toEqual([["a", false, false], "added"]);
    expect(joins.map(({ value }) => value)).toEqual([{ done: 2, failed: 0, errors: [] }]);
    expect(queue.snapshot()).toMatchObject({ size: 0, unfinished: 0, putters: 0 });
  });

  it("of the queue's own, for a lease that nobody has, may call the queue by its event", async () => {
    const stage = new QueueStage<string>({ capacity: 1 });
    const { queue } = stage;
    const told: unknown[] = [];
    queue.on("forgotten", ({ value }) => {
      const lease = queue.tryGet();
      told.push(value, queue.unfinished, lease?.value);
      lease?.putBack();
      queue.close({ drop: true });
    });
    queue.tryPut("a");
    (() => void queue.tryGet())();
    queue.tryPut("b");
    const join = watch(queue.join());

    await collectUntil(() => told.length > 0, "the lease was found");
    await stage.rest();

    expect(told).toEqual(['"a"', 1, "b"]);
    expect(join.value).toMatchObject({ done: 0, failed: 1 });
    expect(queue.snapshot()).toMatchObject({ size: 0, unfinished: 0, holders: [] });
  });

  it("of a lock's own, for a guard that nobody has, may lock it by its event", async () => {
    const mutex = new Mutex({ name: "m" });
    const told: unknown[] = [];
    mutex.on("guard-lost", () => {
      const guard = mutex.tryLock();
      told.push(guard?.isHeld, mutex.waiters);
      guard?.release();
    });
    (() => void mutex.tryLock())();

    await collectUntil(() => told.length > 0, "the guard was found");

    expect(told).toEqual([true, 0]);
    expect(mutex.isLocked).toBe(false);
  });

  it("may release for those who wait", async () => {
    const mutex = new Mutex({ name: "m", diagnostics: "off" });
    const guard = mutex.tryLock();
    const next = watch(mutex.lock());

    await whenCollected(() => guard?.release());
    await Promise.resolve();

    expect(next.isPending).toBe(false);
    (await next.promise).release();
  });
});

describe("a session of an inspector, which runs code in the middle of other code", () => {
  it("may look at a queue, put into it and take from it: nothing is lost or there twice", () => {
    const told = runInNode(`
      import { once } from "node:events";
      import { Worker } from "node:worker_threads";
      const queue = new JoinableQueue({ capacity: 4, diagnostics: "off" });
      const told = { insideCount: 0, tornCount: 0, errors: [], sizeMax: 0 };
      const added = [], taken = [];
      let next = 0, isInside = false;
      const put = () => { const n = next++; if (queue.tryPut(n)) added.push(n); };
      const take = () => { const lease = queue.tryGet(); if (lease === undefined) return; taken.push(lease.value); lease.done(); };
      globalThis.intrude = () => {
        if (isInside) told.insideCount++;
        try {
          const { size, unfinished, holders } = queue.snapshot();
          told.sizeMax = Math.max(told.sizeMax, size);
          // One may be on its way between the two: it is unfinished all the while.
          const between = unfinished - size - holders.length;
          if (between !== 0 && between !== 1) told.tornCount++;
          put(); take(); if (next % 3 === 0) take(); else put();
        } catch (error) { told.errors.push(String(error)); }
      };
      const worker = new Worker(\`
        const { Session } = require("node:inspector");
        const session = new Session();
        session.connectToMainThread();
        const ask = () => session.post("Runtime.evaluate", { expression: "intrude()" }, ask);
        ask();
        setInterval(() => undefined, 1000);
        require("node:worker_threads").parentPort.postMessage("ready");
      \`, { eval: true, execArgv: [] });
      await once(worker, "message");
      while (told.insideCount < 500) {
        isInside = true;
        try { put(); put(); take(); } catch (error) { told.errors.push(String(error)); }
        isInside = false;
      }
      await worker.terminate();
      while (queue.size > 0) take();
      const same = (a, b) => JSON.stringify(a.toSorted((x, y) => x - y)) === JSON.stringify(b.toSorted((x, y) => x - y));
      told.isWhole = same(added, taken);
      told.left = [queue.size, queue.unfinished, queue.holders().length];
      told.errors = told.errors.slice(0, 3);
    `);

    expect(told).toMatchObject({ tornCount: 0, errors: [], isWhole: true, left: [0, 0, 0] });
    // It may come between the look at the room and the step into it: one too many, for each session.
    expect(told).toHaveProperty(
      "sizeMax",
      expect.toSatisfy((size: number) => size <= 5),
    );
  });

  it("of the main thread itself may do so from its own messages", () => {
    const told = runInNode(`
      import { Session } from "node:inspector";
      import { Worker } from "node:worker_threads";
      import { once } from "node:events";
      const queue = new JoinableQueue({ capacity: 4, diagnostics: "off" });
      const told = { insideCount: 0, faults: 0 };
      const worker = new Worker("setInterval(() => undefined, 1000)", { eval: true, execArgv: [] });
      await once(worker, "online");
      const session = new Session();
      session.connect();
      let sessionId, isInside = false, addedCount = 0, takenCount = 0;
      const put = () => { if (queue.tryPut(0)) addedCount++; };
      const take = () => { const lease = queue.tryGet(); if (lease === undefined) return; takenCount++; lease.done(); };
      const ask = () => session.post("NodeWorker.sendMessageToWorker", { sessionId, message: JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression: "1" } }) });
      session.on("NodeWorker.attachedToWorker", ({ params }) => { sessionId = params.sessionId; });
      session.on("NodeWorker.receivedMessageFromWorker", () => {
        if (isInside) told.insideCount++;
        const { size, unfinished, holders } = queue.snapshot();
        if (![0, 1].includes(unfinished - size - holders.length)) told.faults++;
        put(); take();
      });
      session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
      while (told.insideCount < 100) {
        ask();
        isInside = true;
        for (let n = 0; n < 200; n++) { put(); put(); take(); }
        isInside = false;
      }
      session.disconnect();
      await worker.terminate();
      while (queue.size > 0) take();
      told.isWhole = addedCount === takenCount && queue.unfinished === 0;
    `);

    expect(told).toMatchObject({ faults: 0, isWhole: true });
  });
});

describe("the end of a thread in the middle of a call", () => {
  it("takes its queue with it, and touches nobody else's: nothing is shared", () => {
    const told = runInNode(`
      import { once } from "node:events";
      import { Worker } from "node:worker_threads";
      const queue = new JoinableQueue({ capacity: 10 });
      const shared = new Int32Array(new SharedArrayBuffer(8));
      const worker = new Worker(\`
        const { workerData } = require("node:worker_threads");
        import(workerData.source).then(({ JoinableQueue }) => {
          const queue = new JoinableQueue({ capacity: 10 });
          for (;;) {
            Atomics.add(workerData.shared, 0, 1);
            queue.tryPut(1); queue.tryPut(2); queue.put(3).catch(() => undefined);
            queue.tryGet()?.done();
          }
        });
      \`, { eval: true, execArgv: [], workerData: { source, shared } });
      const cannot = []; try { structuredClone(queue).tryPut(1); } catch (error) { cannot.push(error.name); }
      while (Atomics.load(shared, 0) < 1000) await new Promise(setImmediate);
      await queue.put("a");
      const exit = once(worker, "exit");
      await worker.terminate();
      await exit;
      const lease = await queue.get();
      lease.done();
      const joined = await queue.join({ waitMs: 1000 });
      const told = { cannot, value: lease.value, joined, left: queue.unfinished };
    `);

    expect(told).toEqual({
      cannot: ["TypeError"],
      value: "a",
      joined: { done: 1, failed: 0, errors: [] },
      left: 0,
    });
  });
});

/** Runs a program with `JoinableQueue` in a process of its own; what it noted in `told`. */
function runInNode(program: string): unknown {
  const source = new URL("./joinable-queue.ts", import.meta.url).href;
  const head = `const source = ${JSON.stringify(source)}; const { JoinableQueue } = await import(source);`;
  const tail = "console.log(JSON.stringify(told)); process.exit(0);";
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--no-warnings", "--eval", `${head}\n${program}\n${tail}`],
    // Of a program that goes on for ever nothing else would be heard.
    { encoding: "utf8", timeout: PROGRAM_MS_MAX },
  );
  expect(stdout, stderr).not.toBe("");
  return JSON.parse(stdout);
}
