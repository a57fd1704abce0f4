import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { outcomeOf } from "../../test/sync/outcome-of.ts";
import { isUnjamError, type UnjamError } from "../core/errors.ts";
import { DEADLOCK_STANDS_MS, WAIT_LOOK_MS_MIN } from "../core/limits.ts";
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

afterEach(() => {
  vi.unstubAllGlobals();
});

function aMutex(name: string): Mutex {
  return new Mutex({ name, diagnostics: "full" }, ports);
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

/** The same, when a cycle that somebody could undo has stood for as long as it must. */
async function afterStanding<T>(promise: Promise<T>): Promise<T> {
  const stands = async (): Promise<void> => {
    await clock.advance(WAIT_LOOK_MS_MIN);
    await clock.advance(DEADLOCK_STANDS_MS);
  };
  const [result] = await Promise.all([promise, stands()]);
  return result;
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
      const guard = await m.lock();
      try {
        await m.lock();
      } finally {
        guard.release();
      }
    }

    const error = await afterStanding(deadlockOf(twice()));

    expect(error.details.cycle).toEqual([
      {
        flow: "twice()",
        holds: 'mutex "m"',
        holdSite: expect.stringMatching(/^deadlock\.test\.ts:\d+ in twice$/) as string,
        holdSiteKind: "exact",
        waitsFor: 'mutex "m"',
        waitSite: expect.stringMatching(/^deadlock\.test\.ts:\d+ in twice$/) as string,
        waitSiteKind: "exact",
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

    const error = await afterStanding(deadlockOf(outer()));

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

    expect(await afterStanding(outcomeOf(visit(1)))).toBe("UNJAM_DEADLOCK");
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

  it("when it declares the guard by `using` after another wait was looked at", async () => {
    const m = aMutex("m");
    let other: Promise<string> | undefined;
    async function outer(): Promise<void> {
      const guard = await m.lock();
      other = m.run(() => "other");
      await turn();
      using _ = guard;
      await m.lock();
    }

    expect(await outcomeOf(outer())).toBe("UNJAM_DEADLOCK");
    expect(await other).toBe("other");
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

  it("when it is one of many holders of a semaphore, all of which take it again", async () => {
    const count = 150;
    const s = new Semaphore(count, { name: "s", diagnostics: "full" }, ports);
    const again = (): Promise<string> =>
      s.run(async () => {
        await turn();
        return await s.run(() => "got it");
      });

    const outcomes = await Promise.all(Array.from({ length: count }, () => outcomeOf(again())));

    expect(outcomes.filter((outcome) => outcome === "UNJAM_DEADLOCK")).toHaveLength(1);
    expect(s.waiters).toBe(0);
  });

  it("when it is the body of a module, which nobody awaits and which runs once", async () => {
    const m = aMutex("m");
    const body = `
      const { m, turn } = globalThis.unjamTest;
      await turn();
      globalThis.unjamTest.guard = await m.lock();
      await turn();
      await m.lock();`;
    vi.stubGlobal("unjamTest", { m, turn });

    const refused = deadlockOf(import(`data:text/javascript,${encodeURIComponent(body)}`));
    while (m.waiters === 0) await turn();
    const error = await afterStanding(refused);

    expect(error.details.cycle[0]).toMatchObject({ flow: "a function without a name" });
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

    const outcomes = await afterStanding(Promise.allSettled([first(), second()]));

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
      (await b.lock()).release();
    }
    async function second(): Promise<void> {
      using _ = await b.lock();
      hasB.open();
      await hasA.passed;
      (await a.lock()).release();
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
