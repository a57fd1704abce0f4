/** What threads leave behind that die while they put, take, settle or look after others. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { SharedQueue } from "../../src/threads/index.ts";
import { Actor } from "./actor.ts";

const ENTRY = new URL("./fixtures/dying-thread.js", import.meta.url);

/** Lets a thread die before its access `stepMax` to shared memory; false when it was done before. */
async function dieAt(handle: object, act: string, stepMax: number): Promise<boolean> {
  const worker = new Worker(ENTRY, { workerData: { handle, act, stepMax } });
  const [message] = (await once(worker, "message")) as readonly unknown[];
  await worker.terminate();
  return message === "stopped";
}

/** Takes and settles all that is there. */
function drain(queue: SharedQueue<string>): readonly string[] {
  const values: string[] = [];
  for (let lease = queue.tryGet(); lease !== undefined; lease = queue.tryGet()) {
    values.push(lease.value.slice(0, 3));
    lease.done();
  }
  return values;
}

const OLD = ["one", "two"];

describe("a thread that dies at any step", () => {
  it.each(["open", "put", "putLarge", "take", "done", "fail", "putBack", "close"])(
    "of %s leaves a queue that loses nothing and counts right",
    async (act) => {
      let stepMax = 0;
      for (let hasDied = true; hasDied;) {
        stepMax++;
        const queue = new SharedQueue<string>({ capacity: 4, heldMax: 2, largeBytesMax: 16_384 });
        for (const value of OLD) await queue.put(value);

        hasDied = await dieAt(queue.handle, act, stepMax);
        const values = drain(queue);
        const where = `${act} died at step ${stepMax}`;

        const { done, failed } = await queue.join({ waitMs: 5_000 });
        const isPut = act.startsWith("put") && act !== "putBack";
        // An item that was settled before the death is gone; a put that had not ended may be in, or not.
        expect(done + failed, where).toBe(OLD.length + (values.includes("new") ? 1 : 0));
        expect(values.filter((value) => value !== "new").length, where).toBeGreaterThanOrEqual(
          act === "done" || act === "fail" ? 1 : 2,
        );
        expect(new Set(values).size, where).toBe(values.length);
        if (!hasDied && isPut) expect(values).toEqual([...OLD, "new"]);
        // All its memory is there again.
        if (act !== "close") {
          const places = Array.from({ length: 5 }, () => queue.tryPut("x".repeat(3_000)));
          expect(places, where).toEqual([true, true, true, true, false]);
          expect(drain(queue), where).toHaveLength(4);
        }
      }
      expect(stepMax).toBeGreaterThan(3);
    },
    100_000,
  );

  it("of taking back what another left is followed by a third who finishes it", async () => {
    let diedCount = 0;
    for (let stepMax = 20, hasDied = true; hasDied; stepMax += 29) {
      const queue = new SharedQueue<string>({ capacity: 4, heldMax: 2 });
      const { handle } = queue;
      await using keeper = await Actor.start({ queue });
      for (const value of OLD) await queue.put(value);
      await keeper.run(({ queue: q }) => void [q.tryGet(), q.tryGet()]);
      // Else this thread hears of the death, and is the first to look after it.
      queue[Symbol.dispose]();
      await keeper.kill();
      hasDied = await dieAt(handle, "sweep", stepMax);
      const again = SharedQueue.from<string>(handle);
      const values = [await again.get({ waitMs: 5_000 }), await again.get({ waitMs: 5_000 })];

      expect(values.map(({ value }) => value).toSorted(), `died at step ${stepMax}`).toEqual(OLD);
      for (const lease of values) lease.done();
      expect(await again.join({ waitMs: 5_000 })).toMatchObject({ done: 2, failed: 0 });
      if (hasDied) diedCount++;
    }
    expect(diedCount).toBeGreaterThan(5);
  });
});

describe("when a thread dies", () => {
  it("what it held is taken by who waits, within a quarter of a second", async () => {
    const queue = new SharedQueue<string>();
    await using holder = await Actor.start({ queue });
    await queue.put("a");
    await holder.run(({ queue: q }) => void q.tryGet());
    const get = queue.get();

    const killedAt = performance.now();
    await holder.kill();
    const lease = await get;

    expect(performance.now() - killedAt).toBeLessThan(250);
    expect(lease).toMatchObject({ value: "a", losses: 1 });
    expect(queue.snapshot().lossCount).toBe(1);
  });

  it("a thread that blocks in getSync gets its item, while the thread that made both is blocked", async () => {
    const queue = new SharedQueue<string>({ name: "q" });
    await using holder = await Actor.start({ queue });
    await using taker = await Actor.start({ queue });
    await queue.put("a");
    const state = new Int32Array(new SharedArrayBuffer(8));
    await holder.run(({ queue: q }) => void q.tryGet());
    taker.begin(({ queue: q }, words: Int32Array) => {
      const lease = q.getSync({ waitMs: 10_000 });
      Atomics.store(words, 0, lease.losses);
      Atomics.notify(words, 0);
    }, state);
    void holder.kill();
    // The loop of this thread hears of no exit: it stands still, as under a long computation.
    const deadlineAt = performance.now() + 5_000;
    while (Atomics.load(state, 0) === 0 && performance.now() < deadlineAt);

    expect(Atomics.load(state, 0)).toBe(1);
  });

  it("a put that waits for the memory it held goes on", async () => {
    const queue = new SharedQueue<string>({ capacity: 1, heldMax: 1 });
    await using holder = await Actor.start({ queue });
    await queue.put("a");
    await holder.run(({ queue: q }) => void q.tryGet());
    await queue.put("b");
    const put = queue.put("c", { waitMs: 10_000 });
    await holder.kill();
    (await queue.get()).done();
    (await queue.get()).done();
    await put;

    expect((await queue.get()).value).toBe("c");
  });

  it("its number is given to another thread, over and over", async () => {
    const queue = new SharedQueue<string>();
    for (let n = 0; n < 5; n++) {
      await using holder = await Actor.start({ queue });
      await queue.put("a");
      await holder.run(({ queue: q }) => void q.tryGet());
      await holder.kill();
      (await queue.get({ waitMs: 5_000 })).done();
    }

    expect(await queue.join()).toMatchObject({ done: 5, failed: 0 });
  });
});

describe("two threads", () => {
  it("hand over items by blocking calls, each exactly once", async () => {
    const queue = new SharedQueue<number>({ capacity: 3 });
    await using putter = await Actor.start({ queue });
    await using taker = await Actor.start({ queue });
    const sums = taker.run(({ queue: q }) => {
      let sum = 0;
      for (let n = 0; n < 1_000; n++) {
        const lease = q.getSync({ waitMs: 10_000 });
        sum += lease.value;
        lease.done();
      }
      return sum;
    });
    await putter.run(({ queue: q }) => {
      for (let n = 0; n < 1_000; n++) q.putSync(n, { waitMs: 10_000 });
    });

    expect(await sums).toBe(499_500);
    expect(await queue.join()).toMatchObject({ done: 1_000 });
  });

  it("block no longer than their deadlines", async () => {
    const queue = new SharedQueue<number>({ capacity: 1, name: "q" });
    await using actor = await Actor.start({ queue });

    await expect(actor.run(({ queue: q }) => q.getSync({ waitMs: 20 }))).rejects.toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
    });
    await queue.put(1);
    await expect(actor.run(({ queue: q }) => q.putSync(2, { waitMs: 20 }))).rejects.toMatchObject({
      code: "UNJAM_QUEUE_FULL",
      details: { waitedMs: 20 },
    });
  });

  it("that block are woken when the queue is closed", async () => {
    const queue = new SharedQueue<number>();
    await using actor = await Actor.start({ queue });
    const get = actor.run(({ queue: q }) => void q.getSync({ waitMs: 10_000 }));
    queue.close();

    await expect(get).rejects.toMatchObject({ code: "UNJAM_QUEUE_CLOSED" });
  });
});
