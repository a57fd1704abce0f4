/** Locks between threads: exclusion, the death of a holder, and waits in a circle. */
import { describe, expect, it } from "vitest";
import { SharedMutex, SharedSemaphore } from "../../src/threads/index.ts";
import { Actor } from "./actor.ts";

/** Two threads, each with L1 and L2 and a word by which they meet. */
async function twoThreads() {
  const things = {
    L1: new SharedMutex({ name: "L1" }),
    L2: new SharedMutex({ name: "L2" }),
    met: new Int32Array(new SharedArrayBuffer(4)),
  };
  const [first, second] = [await Actor.start(things), await Actor.start(things)];
  return {
    ...{ things, first, second },
    async [Symbol.asyncDispose]() {
      await Promise.all([first.kill(), second.kill()]);
    },
  };
}

describe("a shared mutex", () => {
  it("lets one thread in at a time, by blocking calls", async () => {
    const things = {
      mutex: new SharedMutex({ name: "hits" }),
      hits: new Int32Array(new SharedArrayBuffer(4)),
    };
    await using first = await Actor.start(things);
    await using second = await Actor.start(things);
    const count = (actor: typeof first): Promise<void> =>
      actor.run(({ mutex, hits }) => {
        for (let n = 0; n < 20_000; n++) mutex.runSync(() => void (hits[0] = (hits[0] ?? 0) + 1));
      });
    await Promise.all([count(first), count(second)]);

    expect(things.hits[0]).toBe(40_000);
  });

  it("lets one thread in at a time, by promises", async () => {
    const things = {
      mutex: new SharedMutex({ name: "hits" }),
      hits: new Int32Array(new SharedArrayBuffer(4)),
    };
    await using first = await Actor.start(things);
    await using second = await Actor.start(things);
    const count = (actor: typeof first): Promise<void> =>
      actor.run(async ({ mutex, hits }) => {
        for (let n = 0; n < 500; n++) {
          await mutex.run(async () => {
            const before = hits[0] ?? 0;
            await new Promise(setImmediate);
            hits[0] = before + 1;
          });
        }
      });
    await Promise.all([count(first), count(second)]);

    expect(things.hits[0]).toBe(1_000);
  });

  it("goes to the next when its holder dies, who is told so", async () => {
    const mutex = new SharedMutex({ name: "m" });
    await using holder = await Actor.start({ mutex });
    await holder.run(({ mutex: m }) => void m.tryLock());
    const lock = mutex.lock();
    const killedAt = performance.now();
    await holder.kill();
    const guard = await lock;

    expect(performance.now() - killedAt).toBeLessThan(250);
    expect(guard.formerDied?.who).toMatch(/^thread \d+$/);
    expect(guard.formerDied?.site).toMatch(/\w/);
    expect(guard.formerDied?.siteKind).toBe("sampled");
    guard.release();
    expect(mutex.tryLock()?.formerDied).toBeUndefined();
  });

  it("is free again when a thread died at the head of those who wait", async () => {
    const mutex = new SharedMutex({ name: "m" });
    await using waiter = await Actor.start({ mutex });
    const guard = await mutex.lock();
    waiter.begin(({ mutex: m }) => m.lockSync({ waitMs: 10_000 }));
    // It has made itself the heir by then.
    await expect(mutex.lock({ waitMs: 50 })).rejects.toMatchObject({ code: "UNJAM_WAIT_TIMEOUT" });
    await waiter.kill();
    guard.release();

    (await mutex.lock({ waitMs: 1_000 })).release();
  });

  it("names the thread that holds it in the error of a thread that waited in vain", async () => {
    const mutex = new SharedMutex({ name: "m" });
    await using waiter = await Actor.start({ mutex });
    const guard = await mutex.lock();

    await expect(waiter.run(({ mutex: m }) => m.lockSync({ waitMs: 30 }))).rejects.toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      message: expect.stringContaining("held by the main thread") as string,
    });
    guard.release();
  });
});

describe("two threads that take two locks in two orders", () => {
  const told = (holds: string, waitsFor: string) => ({
    flow: expect.stringMatching(/^thread \d+/) as string,
    holds: `shared mutex "${holds}"`,
    holdSite: expect.stringMatching(/\w/) as string,
    holdSiteKind: expect.stringMatching(/^(?:exact|sampled)$/) as string,
    waitsFor: `shared mutex "${waitsFor}"`,
    waitSite: expect.stringMatching(/\w/) as string,
    waitSiteKind: expect.stringMatching(/^(?:exact|sampled)$/) as string,
  });

  it("by blocking calls: one is refused with both places, and the other goes on", async () => {
    await using scene = await twoThreads();
    const first = scene.first.run(({ L1, L2, met }) => {
      L1.runSync(() => {
        Atomics.add(met, 0, 1);
        while (Atomics.load(met, 0) < 2);
        L2.runSync(() => undefined);
      });
      return "done";
    });
    const second = scene.second.run(({ L1, L2, met }) => {
      L2.runSync(() => {
        Atomics.add(met, 0, 1);
        while (Atomics.load(met, 0) < 2);
        L1.runSync(() => undefined);
      });
      return "done";
    });
    const results = await Promise.allSettled([first, second]);

    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const refused = results.find(({ status }) => status === "rejected");
    const isFirst = results[0]?.status === "rejected";
    const cycle = [told("L1", "L2"), told("L2", "L1")];
    expect(refused).toMatchObject({
      reason: {
        code: "UNJAM_DEADLOCK",
        details: { cycle: isFirst ? cycle : cycle.toReversed() },
      },
    });
  });

  it("by promises: the same", async () => {
    await using scene = await twoThreads();
    const first = scene.first.run(({ L1, L2, met }) =>
      L1.run(async () => {
        Atomics.add(met, 0, 1);
        while (Atomics.load(met, 0) < 2) await new Promise((resolve) => setImmediate(resolve));
        return L2.run(() => "done");
      }),
    );
    const second = scene.second.run(({ L1, L2, met }) =>
      L2.run(async () => {
        Atomics.add(met, 0, 1);
        while (Atomics.load(met, 0) < 2) await new Promise((resolve) => setImmediate(resolve));
        return L1.run(() => "done");
      }),
    );
    const results = await Promise.allSettled([first, second]);

    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const isFirst = results[0]?.status === "rejected";
    const cycle = [told("L1", "L2"), told("L2", "L1")];
    expect(results.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: "UNJAM_DEADLOCK", details: { cycle: isFirst ? cycle : cycle.toReversed() } },
    });
  });

  it("one by blocking calls, the other on the main loop: the same", async () => {
    await using scene = await twoThreads();
    const { L1, L2, met } = scene.things;
    const thread = scene.first.run((things) => {
      things.L1.runSync(() => {
        Atomics.add(things.met, 0, 1);
        while (Atomics.load(things.met, 0) < 2);
        things.L2.runSync(() => undefined);
      });
      return "done";
    });
    const main = L2.run(async () => {
      Atomics.add(met, 0, 1);
      while (Atomics.load(met, 0) < 2) await new Promise(setImmediate);
      return L1.run(() => "done");
    });
    const results = await Promise.allSettled([thread, main]);

    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(results.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: "UNJAM_DEADLOCK", details: { cycle: { length: 2 } } },
    });
  });

  it("are no deadlock when one of them only tries for a time and lets go", async () => {
    await using scene = await twoThreads();
    const { L1, L2, met } = scene.things;
    const thread = scene.first.run((things) =>
      things.L1.runSync(() => {
        Atomics.add(things.met, 0, 1);
        while (Atomics.load(things.met, 0) < 2);
        return things.L2.runSync(() => "done", { waitMs: 10_000 });
      }),
    );
    await L2.run(async () => {
      Atomics.add(met, 0, 1);
      while (Atomics.load(met, 0) < 2) await new Promise(setImmediate);
      // Raced: the flow does not wait for it alone.
      const late = L2.lock({ waitMs: 200 }).catch(() => "late");
      await Promise.race([L1.lock().then((guard) => guard.release()), late]);
    });

    expect(await thread).toBe("done");
  });
});

describe("a shared semaphore", () => {
  it("lets in as many threads as it has permits, and takes back those of the dead", async () => {
    const semaphore = new SharedSemaphore(2, { name: "s" });
    await using first = await Actor.start({ semaphore });
    await using second = await Actor.start({ semaphore });
    await first.run(({ semaphore: s }) => void s.tryLock());
    await second.run(({ semaphore: s }) => void s.tryLock());
    expect(semaphore.tryLock()).toBeUndefined();
    const lock = semaphore.lock();
    await first.kill();
    await second.kill();
    (await lock).release();

    expect(semaphore.free).toBe(2);
  });
});
