import { beforeEach, describe, expect, it } from "vitest";
import { isUnjamError, type UnjamError } from "../core/errors.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { Guard } from "./guard.ts";
import { Mutex } from "./mutex.ts";
import { Semaphore } from "./semaphore.ts";
import type { SyncPorts } from "./sync-ports.ts";

let clock: ManualClock;
let ports: SyncPorts;

beforeEach(() => {
  clock = new ManualClock();
  ports = { clock, timers: clock, random: () => 0.5 };
});

function aMutex(name: string): Mutex {
  return new Mutex({ name, diagnostics: "full" }, ports);
}

/** What a promise comes to. */
async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "done";
  } catch (error) {
    return isUnjamError(error) ? error.code : String(error);
  }
}

async function deadlockOf(promise: Promise<unknown>): Promise<UnjamError<"UNJAM_DEADLOCK">> {
  try {
    await promise;
  } catch (error) {
    if (isUnjamError(error, "UNJAM_DEADLOCK")) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

/** A turn of the loop, as after any I/O. */
function turn(): Promise<void> {
  return clock.rest();
}

/** Time in which every look at an open wait would find what there is to find. */
function manyLooks(): Promise<void> {
  return clock.advance(25_000);
}

/** Something that ends when the test says so. */
function aGate(): { readonly passed: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}

describe("a holder that waits for itself is refused", () => {
  it("when it locks again", async () => {
    const m = aMutex("m");
    async function twice(): Promise<void> {
      await m.lock();
      await m.lock();
    }

    const error = await deadlockOf(twice());

    expect(error.details.cycle).toEqual([
      {
        flow: "twice()",
        holds: 'mutex "m"',
        holdSite: expect.stringMatching(/^deadlock\.test\.ts:\d+ in twice$/) as string,
        waitsFor: 'mutex "m"',
        waitSite: expect.stringMatching(/^deadlock\.test\.ts:\d+ in twice$/) as string,
      },
    ]);
    expect(m.waiters).toBe(0);
  });

  it("when it locks again in a function that has no name", async () => {
    const m = aMutex("m");

    const error = await deadlockOf(
      (async () => {
        using _ = await m.lock();
        await m.lock();
      })(),
    );

    expect(error.message).toContain('a function without a name holds mutex "m"');
  });

  it("when a helper that it awaits locks again, much later", async () => {
    const m = aMutex("m");
    async function helper(): Promise<void> {
      await turn();
      using _ = await m.lock();
    }
    async function outer(): Promise<void> {
      using _ = await m.lock();
      await turn();
      await Promise.all([turn(), helper()]);
    }

    const error = await deadlockOf(outer());

    expect(error.details.cycle[0]).toMatchObject({
      flow: "outer()",
      waitSite: expect.stringContaining("in helper") as string,
    });
    expect(m.isLocked).toBe(false);
  });

  it("when it calls itself", async () => {
    const m = aMutex("m");
    async function visit(depth: number): Promise<void> {
      await turn();
      const guard = await m.lock();
      try {
        if (depth > 0) await visit(depth - 1);
      } finally {
        guard.release();
      }
    }

    expect(await outcomeOf(visit(1))).toBe("UNJAM_DEADLOCK");
    expect(m.isLocked).toBe(false);
  });

  it("when it got the lock by a function that locks for it", async () => {
    const m = aMutex("m");
    async function take(): Promise<Guard> {
      return await m.lock();
    }
    async function outer(): Promise<void> {
      using _ = await take();
      await turn();
      await m.lock();
    }

    expect(await outcomeOf(outer())).toBe("UNJAM_DEADLOCK");
  });

  it("when it took the lock by tryLock", async () => {
    const m = aMutex("m");
    async function outer(): Promise<void> {
      await turn();
      using _ = m.tryLock();
      await turn();
      await m.lock();
    }

    expect(await outcomeOf(outer())).toBe("UNJAM_DEADLOCK");
  });

  it("when run() is called inside run()", async () => {
    const m = aMutex("m");

    const error = await deadlockOf(m.run(() => m.run(() => 1)));

    expect(error.details.cycle[0]?.flow).toBe('run of mutex "m"');
    expect(m.isLocked).toBe(false);
  });

  it("when its awaiter begins to await late", async () => {
    const m = aMutex("m");
    const started = aGate();
    async function outer(): Promise<void> {
      using _ = await m.lock();
      const again = m.lock();
      started.open();
      await clock.advance(50);
      await again;
    }

    const outcome = outcomeOf(outer());
    await started.passed;
    await manyLooks();

    expect(await outcome).toBe("UNJAM_DEADLOCK");
  });
});

describe("flows that wait for each other", () => {
  it("with try and finally: one is refused, the other goes on", async () => {
    const [a, b] = [aMutex("a"), aMutex("b")];
    const [hasA, hasB] = [aGate(), aGate()];
    async function first(): Promise<void> {
      const guard = await a.lock();
      try {
        hasA.open();
        await hasB.passed;
        const inner = await b.lock();
        inner.release();
      } finally {
        guard.release();
      }
    }
    async function second(): Promise<void> {
      const guard = await b.lock();
      try {
        hasB.open();
        await hasA.passed;
        const inner = await a.lock();
        inner.release();
      } finally {
        guard.release();
      }
    }
    await turn();

    const outcomes = await Promise.allSettled([first(), second()]);

    const refused = outcomes.filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(1);
    expect([a.isLocked, b.isLocked]).toEqual([false, false]);
  });

  it("with using: the message prints every site of the cycle", async () => {
    const [a, b] = [aMutex("a"), aMutex("b")];
    const [hasA, hasB] = [aGate(), aGate()];
    async function first(): Promise<void> {
      using _ = await a.lock();
      hasA.open();
      await hasB.passed;
      using __ = await b.lock();
    }
    async function second(): Promise<void> {
      using _ = await b.lock();
      hasB.open();
      await hasA.passed;
      using __ = await a.lock();
    }

    const outcomes = await Promise.allSettled([first(), second()]);

    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused).toHaveLength(1);
    const message = String(refused[0]?.reason);
    expect(message).toMatch(/first\(\) holds mutex "a" \(deadlock\.test\.ts:\d+ in first\)/);
    expect(message).toMatch(/waits for mutex "b" \(deadlock\.test\.ts:\d+ in first\)/);
    expect(message).toMatch(/second\(\) holds mutex "b" \(deadlock\.test\.ts:\d+ in second\)/);
    expect(message).toMatch(/waits for mutex "a" \(deadlock\.test\.ts:\d+ in second\)/);
  });

  it("three in a ring: one is refused", async () => {
    const ring = [aMutex("0"), aMutex("1"), aMutex("2")] as const;
    let holdCount = 0;
    const all = aGate();
    const step = (mine: Mutex, next: Mutex): Promise<void> =>
      mine.run(async () => {
        if (++holdCount === 3) all.open();
        await all.passed;
        await next.run(() => undefined);
      });

    const outcomes = await Promise.all(
      ring.map((m, index) => outcomeOf(step(m, ring[(index + 1) % 3] ?? m))),
    );

    expect(outcomes.toSorted()).toEqual(["UNJAM_DEADLOCK", "done", "done"]);
  });

  it("over a semaphore: refused only when all its holders are stuck", async () => {
    const [pool, m] = [new Semaphore(2, { name: "pool" }, ports), aMutex("m")];
    const [bothIn, other] = [aGate(), aGate()];
    async function stuck(): Promise<string> {
      return await m.run(async () => {
        bothIn.open();
        await turn();
        return await outcomeOf(pool.run(() => undefined));
      });
    }
    const holdsOne = pool.run(async () => {
      await bothIn.passed;
      await m.run(() => undefined);
    });
    const holdsOther = pool.run(() => other.passed);
    const outcome = stuck();
    await bothIn.passed;
    await manyLooks();
    other.open();

    expect(await outcome).toBe("done");
    await Promise.all([holdsOne, holdsOther]);
  });

  it("over a semaphore whose holders all wait for the waiter: refused", async () => {
    const [pool, m] = [new Semaphore(2, { name: "pool" }, ports), aMutex("m")];
    const isIn = aGate();
    const inPool = (): Promise<void> =>
      pool.run(async () => {
        await isIn.passed;
        await m.run(() => undefined);
      });
    const holders = [inPool(), inPool()];

    const outcome = await m.run(async () => {
      isIn.open();
      await turn();
      return await outcomeOf(pool.run(() => undefined));
    });

    expect(outcome).toBe("UNJAM_DEADLOCK");
    await Promise.all(holders);
  });
});

describe("who only seems to wait for itself is not refused", () => {
  it("the function that started the holder without awaiting it", async () => {
    const m = aMutex("m");
    async function holder(): Promise<void> {
      const guard = await m.lock();
      await clock.advance(60_000);
      guard.release();
    }
    const held = holder();
    await turn();

    const waited = m.lock({ waitMs: 500 });

    await expect(waited).rejects.toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      details: {
        what: 'the wait for mutex "m"',
        state: expect.stringMatching(
          /^held by holder\(\) \(deadlock\.test\.ts:\d+ in holder\) for \d+ ms$/,
        ) as string,
      },
    });
    await held;
  });

  it.each(["using", "plain"])("siblings that lock at several places: %s", async (form) => {
    const m = aMutex("m");
    async function worker(index: number): Promise<void> {
      for (let round = 0; round < 3; round++) {
        if ((index + round) % 2 === 0) {
          if (form === "using") {
            using _ = await m.lock();
            await clock.advance(30);
          } else {
            const guard = await m.lock();
            await clock.advance(30);
            guard.release();
          }
        } else if (round === 1) {
          const guard = await m.lock();
          await clock.advance(30);
          guard.release();
        } else {
          using _ = await m.lock();
          await clock.advance(30);
        }
      }
    }

    const all = Promise.all(Array.from({ length: 6 }, (_, index) => worker(index)));

    expect(await outcomeOf(all)).toBe("done");
  });

  it("siblings, of which one awaits before it locks elsewhere", async () => {
    const m = aMutex("m");
    async function worker(isFirst: boolean): Promise<void> {
      if (isFirst) {
        const guard = await m.lock();
        await clock.advance(200);
        guard.release();
      } else {
        await turn();
        const guard = await m.lock();
        guard.release();
      }
    }
    await turn();
    const first = worker(true);
    const second = worker(false);

    expect(await outcomeOf(second)).toBe("done");
    await first;
  });

  it("siblings whose callers have the same shape, awaited one after the other", async () => {
    const m = aMutex("m");
    async function step(isFirst: boolean): Promise<void> {
      if (isFirst) {
        const guard = await m.lock();
        await clock.advance(200);
        guard.release();
      } else {
        await turn();
        const guard = await m.lock();
        guard.release();
      }
    }
    async function worker(isFirst: boolean): Promise<void> {
      await step(isFirst);
    }
    await turn();
    void worker(true);

    expect(await outcomeOf(worker(false))).toBe("done");
  });

  it("a child that the holder starts and does not await", async () => {
    const m = aMutex("m");
    let child: Promise<void> | undefined;
    async function inner(): Promise<void> {
      using _ = await m.lock();
    }
    async function holder(): Promise<void> {
      using _ = await m.lock();
      child = inner();
      await clock.advance(25_000);
    }

    await holder();

    expect(await outcomeOf(child ?? Promise.reject(new Error("not started")))).toBe("done");
  });

  it("a function that starts itself again, which locks at another place", async () => {
    const m = aMutex("m");
    let child: Promise<void> | undefined;
    async function step(depth: number): Promise<void> {
      if (depth === 0) {
        using _ = await m.lock();
        child = step(1);
        await clock.advance(25_000);
      } else {
        using _ = await m.lock();
      }
    }

    await step(0);

    expect(await outcomeOf(child ?? Promise.reject(new Error("not started")))).toBe("done");
  });

  it("a run that starts another and does not await it", async () => {
    const m = aMutex("m");
    let child: Promise<void> | undefined;

    await m.run(async () => {
      child = m.run(() => undefined);
      await clock.advance(25_000);
    });

    expect(await outcomeOf(child ?? Promise.reject(new Error("not started")))).toBe("done");
  });

  it("a run that another flow awaits", async () => {
    const [m, n] = [aMutex("m"), aMutex("n")];
    let shared: Promise<void> | undefined;
    const holder = m.run(async () => {
      shared = m.run(() => undefined);
      await clock.advance(25_000);
    });
    const other = n.run(async () => {
      await shared;
    });

    expect(await outcomeOf(Promise.all([holder, other]))).toBe("done");
  });

  it("a holder that takes the next place in the line before it lets go", async () => {
    const m = aMutex("m");
    async function handOver(): Promise<void> {
      const guard = await m.lock();
      const next = m.lock();
      await manyLooks();
      guard.release();
      (await next).release();
    }

    expect(await outcomeOf(handOver())).toBe("done");
  });

  it.each<[string, (lock: Promise<Guard>, late: Promise<string>) => Promise<unknown>]>([
    ["by Promise.race", (lock, late) => Promise.race([lock, late])],
    ["by Promise.any", (lock, late) => Promise.any([lock, late])],
    ["by a promise of its own", (lock, late) => resolvedBy(lock, late)],
    ["through then", (lock, late) => Promise.race([lock.then(() => "locked"), late])],
  ])("a holder that races the lock against something else, %s", async (_how, race) => {
    const m = aMutex("m");
    async function holder(): Promise<unknown> {
      using _ = await m.lock();
      await turn();
      const late = clock.advance(25_000).then(() => "late");
      return await race(m.lock({ waitMs: 60_000 }), late);
    }

    expect(await holder()).toBe("late");
  });

  it("a function that nobody awaits and that starts itself again while it holds", async () => {
    const m = aMutex("m");
    const refreshed: string[] = [];
    const [twice, done] = [aGate(), aGate()];
    async function refresh(): Promise<void> {
      refreshed.push(await outcomeOf(lockOnce()));
      if (refreshed.length === 2) twice.open();
    }
    async function lockOnce(): Promise<void> {
      using _ = await m.lock();
    }
    async function poll(round: number): Promise<void> {
      await turn();
      await refresh();
      using _ = await m.lock();
      if (round === 0) void poll(1);
      await done.passed;
    }

    void poll(0);
    while (m.waiters === 0) await turn();
    await manyLooks();
    done.open();
    await twice.passed;

    expect(refreshed).toEqual(["done", "done"]);
  });

  it("a holder that has raced a helper against a timer, and has gone on", async () => {
    const [m, n] = [aMutex("m"), aMutex("n")];
    const [raced, out] = [aGate(), aGate()];
    async function helper(): Promise<void> {
      const guard = await n.lock({ waitMs: 60_000 });
      guard.release();
    }
    async function holder(): Promise<void> {
      using _ = await m.lock();
      await Promise.race([helper(), raced.passed]);
      await out.passed;
    }
    async function other(): Promise<void> {
      using _ = await n.lock();
      const held = holder();
      await clock.advance(5);
      raced.open();
      await turn();
      const waits = m.lock({ waitMs: 60_000 });
      setImmediate(() => setImmediate(out.open));
      (await waits).release();
      await held;
    }

    expect(await outcomeOf(other())).toBe("done");
  });
});

function resolvedBy(...promises: readonly Promise<unknown>[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    for (const promise of promises) promise.then(resolve, reject);
  });
}
