import { describe, expect, it } from "vitest";
import { SITES_BURST_MAX } from "../core/limits.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { LockOrderReport } from "./lock-order.ts";
import { Mutex } from "./mutex.ts";
import { Semaphore } from "./semaphore.ts";

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function twoLocks(): { readonly a: Mutex; readonly b: Mutex; readonly reports: LockOrderReport[] } {
  const a = new Mutex({ name: "a", diagnostics: "full" });
  const b = new Mutex({ name: "b", diagnostics: "full" });
  const reports: LockOrderReport[] = [];
  a.on("lock-order", (report) => reports.push(report));
  return { a, b, reports };
}

async function bothLocked(outer: Mutex, inner: Mutex): Promise<void> {
  using _ = await outer.lock();
  await turn();
  (await inner.lock()).release();
}

describe("the order of two locks", () => {
  it("is reported when it was the other way round before, with both sites", async () => {
    const { a, b, reports } = twoLocks();
    await bothLocked(a, b);
    const before = reports.length;

    await bothLocked(b, a);

    const place = {
      site: expect.stringMatching(/^lock-order\.test\.ts:\d+ in bothLocked$/) as string,
      siteKind: "exact",
    };
    expect(before).toBe(0);
    expect(reports).toEqual([
      {
        first: { held: { what: 'mutex "a"', ...place }, taken: { what: 'mutex "b"', ...place } },
        opposite: { held: { what: 'mutex "b"', ...place }, taken: { what: 'mutex "a"', ...place } },
      },
    ]);
  });

  it("is reported once per pair, and by both locks", async () => {
    const { a, b, reports } = twoLocks();
    b.on("lock-order", (report) => reports.push(report));

    for (let i = 0; i < 3; i++) {
      await bothLocked(a, b);
      await bothLocked(b, a);
    }

    expect(reports).toHaveLength(2);
  });

  it("is not reported while it stays the same", async () => {
    const { a, b, reports } = twoLocks();

    for (let i = 0; i < 3; i++) await bothLocked(a, b);

    expect(reports).toEqual([]);
  });

  it("is reported before the deadlock that it leads to is refused", async () => {
    const { a, b, reports } = twoLocks();
    const events: string[] = [];
    a.on("lock-order", () => events.push("order"));
    const refused = (error: { readonly code: string }): void => void events.push(error.code);

    await Promise.all([bothLocked(a, b).catch(refused), bothLocked(b, a).catch(refused)]);

    expect(events).toEqual(["order", "UNJAM_DEADLOCK"]);
    expect(reports).toHaveLength(1);
  });

  it("is seen in run()", async () => {
    const { a, b, reports } = twoLocks();

    await a.run(() => b.run(turn));
    await b.run(async () => {
      await turn();
      await a.run(turn);
    });

    expect(reports).toHaveLength(1);
  });

  it("is seen in tryLock()", async () => {
    const { a, b, reports } = twoLocks();
    await bothLocked(a, b);

    await b.run(() => a.tryLock()?.release());

    expect(reports).toHaveLength(1);
  });

  it("is not that of flows that only know each other", async () => {
    const { a, b, reports } = twoLocks();
    const holdsWhile = async (outer: Mutex, until: Promise<void>): Promise<void> => {
      const guard = await outer.lock();
      await until;
      guard.release();
    };
    const lockOnce = async (m: Mutex): Promise<void> => {
      const guard = await m.lock();
      guard.release();
    };

    for (const [outer, inner] of [[a, b] as const, [b, a] as const]) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const held = holdsWhile(outer, promise);
      await turn();
      await lockOnce(inner);
      resolve();
      await held;
    }

    expect(reports).toEqual([]);
  });

  it("is reported without the place of a lock that was not noted", async () => {
    const { b, reports } = twoLocks();
    const clock = new ManualClock();
    const ports = { clock, timers: clock, random: () => 0.5 };
    const a = new Mutex({ name: "a", diagnostics: "sampled" }, ports);
    a.on("lock-order", (report) => reports.push(report));
    await b.run(() => a.run(turn));
    for (let n = 0; n < SITES_BURST_MAX; n++) a.tryLock()?.release();

    await a.run(() => b.run(turn));

    expect(reports).toMatchObject([
      { opposite: { held: { site: "an unknown place", siteKind: null } } },
    ]);
  });

  it("is looked for so often and not for ever, where it cannot be told", async () => {
    const { a, b, reports } = twoLocks();
    const { promise, resolve } = Promise.withResolvers<void>();
    const held = (async () => {
      const guard = await a.lock();
      await promise;
      guard.release();
    })();
    await turn();

    for (let i = 0; i < 120; i++) b.tryLock()?.release();
    resolve();
    await held;

    expect(reports).toEqual([]);
  });

  it("does not matter among semaphores with several permits", async () => {
    const s = new Semaphore(2, { diagnostics: "full" });
    const { a, reports } = twoLocks();

    await s.run(() => a.run(turn));
    await a.run(() => s.run(turn));

    expect(reports).toEqual([]);
  });
});

describe("a listener", () => {
  it("that throws stops neither the others nor the lock", async () => {
    const { a, b, reports } = twoLocks();
    b.on("lock-order", () => {
      throw new Error("in the listener");
    });
    b.on("lock-order", (report) => reports.push(report));
    await bothLocked(a, b);

    await bothLocked(b, a);

    expect(reports).toHaveLength(2);
    expect([a.isLocked, b.isLocked]).toEqual([false, false]);
  });

  it("may call the lock, and leave while it is called", async () => {
    const { a, b } = twoLocks();
    const seen: boolean[] = [];
    const off = b.on("lock-order", () => {
      off();
      seen.push(b.tryLock() === undefined, a.isLocked);
    });
    await bothLocked(a, b);

    await bothLocked(b, a);

    expect(seen).toEqual([true, true]);
  });

  it("is refused for an event that there is not, and when it is no function", () => {
    const { a } = twoLocks();
    const refusal = expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }) as Error;

    expect(() => a.on("released" as never, () => undefined)).toThrow(refusal);
    expect(() => a.on("guard-lost", "fn" as never)).toThrow(refusal);
  });
});

describe("the log of a lock", () => {
  it("has one line for two locks that were taken in both orders", async () => {
    const lines: string[] = [];
    const note = (_: object, message: string): void => void lines.push(message);
    const logger = { info: note, warn: note, error: note };
    const a = new Mutex({ name: "a", diagnostics: "full", logger });
    const b = new Mutex({ name: "b", diagnostics: "full", logger });
    a.on("lock-order", () => {
      throw new Error("of the listener");
    });

    await bothLocked(a, b);
    await bothLocked(b, a);

    expect(lines).toEqual(["two locks were taken in both orders", "a listener of a lock threw"]);
  });

  it("is refused what cannot take a warning", () => {
    // @ts-expect-error -- that is what the test is about.
    const make = (): Mutex => new Mutex({ logger: {} });

    expect(make).toThrow(expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }));
  });
});
