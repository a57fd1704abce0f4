/** What `diagnostics` change: which calls are noted, and which deadlocks are found. */
import { beforeEach, describe, expect, it } from "vitest";
import { collectUntil } from "../../test/sync/collector.ts";
import { isUnjamError, type UnjamError } from "../core/errors.ts";
import { SITES_BURST_MAX } from "../core/limits.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { Diagnostics } from "./call-site.ts";
import { JoinableQueue } from "./joinable-queue.ts";
import type { LockOrderReport } from "./lock-order.ts";
import { Mutex } from "./mutex.ts";
import { Semaphore } from "./semaphore.ts";
import type { SyncPorts } from "./sync-ports.ts";

let clock: ManualClock;
let ports: SyncPorts;

beforeEach(() => {
  clock = new ManualClock();
  ports = { clock, timers: clock, random: () => 0.5 };
});

function aMutex(diagnostics: Diagnostics): Mutex {
  return new Mutex({ name: "m", diagnostics }, ports);
}

/** A queue whose consumer does what the test says. */
function aQueue(diagnostics: Diagnostics, handler: (n: number) => unknown): JoinableQueue<number> {
  const queue = new JoinableQueue<number>({ name: "q", diagnostics, ports });
  queue.consume(handler, { name: "worker" });
  return queue;
}

/** The error that a promise comes to, when all its looks and its deadline have passed. */
async function errorOf(promise: Promise<unknown>): Promise<UnjamError> {
  const caught = promise.then(
    () => new Error("it did not reject"),
    (error: unknown) => error,
  );
  await clock.advance(31_000);
  const error = await caught;
  if (isUnjamError(error)) return error;
  throw error;
}

describe("a queue without diagnostics", () => {
  it("refuses a consumer that waits for itself, and names no places", async () => {
    const queue = aQueue("off", async (n) => (n === 0 ? 0 : await queue.ask(n - 1)));

    const error = await errorOf(queue.ask(1));

    expect(error.code).toBe("UNJAM_DEADLOCK");
    expect(error.details).toEqual({
      cycle: [
        {
          flow: "worker",
          holds: 'an item of queue "q"',
          ...{ holdSite: "an unknown place", holdSiteKind: null },
          waitsFor: 'an answer of queue "q"',
          ...{ waitSite: "an unknown place", waitSiteKind: null },
        },
      ],
    });
  });

  it("is part of a cycle with a lock that is held by run()", async () => {
    const m = aMutex("full");
    const queue = aQueue("off", () => m.run(() => 1));

    const error = await errorOf(m.run(() => queue.ask(1)));

    expect(error.code).toBe("UNJAM_DEADLOCK");
  });

  it.each<[Diagnostics, string]>([
    ["full", "UNJAM_DEADLOCK"],
    ["off", "UNJAM_WAIT_TIMEOUT"],
  ])("with diagnostics %s: a cycle with a lock that is held by lock() is %s", async (of, code) => {
    const m = aMutex("full");
    const queue = aQueue(of, () => m.run(() => 1));
    async function holder(): Promise<unknown> {
      using _ = await m.lock();
      return await queue.ask(1);
    }
    async function caller(): Promise<unknown> {
      return await holder();
    }

    expect(await errorOf(caller())).toMatchObject({ code });
  });
});

describe("a call that was not noted among very many", () => {
  it("is no part of a cycle", async () => {
    const m = aMutex("sampled");
    for (let n = 0; n < SITES_BURST_MAX; n++) m.tryLock()?.release();
    async function holder(): Promise<void> {
      using _ = await m.lock();
      await m.run(() => 1);
    }

    expect((await errorOf(holder())).code).toBe("UNJAM_WAIT_TIMEOUT");
  });

  it("is no part of a cycle either among holders of a semaphore that are", async () => {
    const s = new Semaphore(2, { diagnostics: "sampled" }, ports);
    for (let n = 0; n < SITES_BURST_MAX; n++) s.tryLock()?.release();
    const unknown = s.tryLock();

    const error = await errorOf(s.run(() => s.run(() => 1)));

    expect(error.code).toBe("UNJAM_WAIT_TIMEOUT");
    unknown?.release();
  });

  it("has no part in which it waits, when very many have waited", async () => {
    const m = aMutex("sampled");
    const before = m.tryLock();
    const late = Array.from({ length: SITES_BURST_MAX }, () => m.lock({ waitMs: 0 }));
    const told = Promise.allSettled(late);
    await clock.advance(0);
    await told;
    before?.release();

    const error = await errorOf(m.run(async () => await m.lock()));

    expect(error.code).toBe("UNJAM_WAIT_TIMEOUT");
  });

  it("that passed does not hide one that waits", async () => {
    const m = aMutex("sampled");
    for (let n = 0; n < SITES_BURST_MAX; n++) m.tryLock()?.release();

    const error = await errorOf(m.run(() => m.run(() => 1)));

    expect(error.details).toMatchObject({
      cycle: [
        {
          ...{ holdSite: "an unknown place", holdSiteKind: null },
          waitSite: expect.stringMatching(/^diagnostics\.test\.ts:\d+$/) as string,
          waitSiteKind: "sampled",
        },
      ],
    });
  });
});

describe("a lock without diagnostics", () => {
  it("finds no deadlock in lock()", async () => {
    const m = aMutex("off");
    async function twice(): Promise<void> {
      using _ = await m.lock();
      await m.lock();
    }

    expect((await errorOf(twice())).code).toBe("UNJAM_WAIT_TIMEOUT");
  });

  it("finds no deadlock in run()", async () => {
    const m = aMutex("off");

    const error = await errorOf(m.run(() => m.run(() => 1)));

    expect(error.code).toBe("UNJAM_WAIT_TIMEOUT");
  });

  it("is no part of a cycle with a queue that would be found", async () => {
    const m = aMutex("off");
    const queue = aQueue("full", () => m.run(() => 1));

    const error = await errorOf(m.run(() => queue.ask(1)));

    expect(error.code).toBe("UNJAM_WAIT_TIMEOUT");
  });
});

/** A part of a message: a place in this file, and what it is worth. */
function placed(remark: string): string {
  return String.raw`\(diagnostics\.test\.ts:\d+(?: in \w+)?${remark}\)`;
}

describe.each<[Diagnostics, "exact" | "sampled", string]>([
  ["full", "exact", ""],
  ["sampled", "sampled", ", sampled"],
])("a place that was noted with diagnostics %s is told as %s", (diagnostics, siteKind, remark) => {
  it("in a deadlock, beside the place where the consumer was started", async () => {
    const queue = aQueue(diagnostics, async (n) => (n === 0 ? 0 : await queue.ask(n - 1)));

    const error = await errorOf(queue.ask(1));

    expect(error.details).toMatchObject({
      cycle: [{ holdSiteKind: "per loop", waitSiteKind: siteKind }],
    });
    const began = placed(", where the loop began");
    expect(error.message).toMatch(
      new RegExp(`holds an item .* ${began} and waits for an answer .* ${placed(remark)}$`),
    );
  });

  it("in the error of a wait for a lock", async () => {
    const m = aMutex(diagnostics);
    const guard = m.tryLock();

    const error = await errorOf(m.run(() => 1));

    expect(error.code).toBe("UNJAM_WAIT_TIMEOUT");
    expect(error.message).toMatch(new RegExp(`held by .* ${placed(remark)} for`));
    guard?.release();
  });

  it("in the error of a join, of a lease as of a consumer", async () => {
    const leased = new JoinableQueue<number>({ name: "q", diagnostics, ports });
    leased.tryPut(1);
    const lease = leased.tryGet();
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const consumed = aQueue(diagnostics, () => over);
    consumed.tryPut(1);
    const errors = [leased, consumed].map((queue) => queue.join().catch((e: unknown) => String(e)));

    await clock.advance(31_000);
    const [byLease, byConsumer] = await Promise.all(errors);

    expect(byLease).toMatch(new RegExp(`held by a lease for .* ${placed(remark)}`));
    expect(byConsumer).toMatch(
      new RegExp(`held by worker for .* ${placed(", where the loop began")}`),
    );
    lease?.done();
    resolve();
  });

  it("in waits(), where a loop is told as one", async () => {
    const queue = new JoinableQueue<number>({ diagnostics, ports });
    const next = queue.items({ name: "reader" }).next();
    const got = queue.get();
    await clock.advance(0);

    expect(queue.waits()).toMatchObject([
      { who: "reader", siteKind: "per loop" },
      { who: "a call", siteKind },
    ]);
    queue.close();
    await Promise.allSettled([next, got]);
  });

  it("in holders(), where the item of a loop is told as one", async () => {
    const queue = new JoinableQueue<number>({ diagnostics, ports });
    for (const n of [1, 2]) queue.tryPut(n);
    const loop = queue.items();
    await loop.next();
    const lease = queue.tryGet();

    expect(queue.holders().map((holder) => holder.siteKind)).toEqual(["per loop", siteKind]);
    lease?.done();
    await loop.return?.();
  });

  it("in the order of two locks", async () => {
    const [a, b] = [aMutex(diagnostics), aMutex(diagnostics)];
    const reports: LockOrderReport[] = [];
    a.on("lock-order", (report) => reports.push(report));
    async function bothLocked(outer: Mutex, inner: Mutex): Promise<void> {
      using _ = await outer.lock();
      (await inner.lock()).release();
    }

    await bothLocked(a, b);
    await bothLocked(b, a);

    const order = { held: { siteKind }, taken: { siteKind } };
    expect(reports).toMatchObject([{ first: order, opposite: order }]);
  });

  it("in the reports of what the collector found", async () => {
    const m = aMutex(diagnostics);
    const queue = new JoinableQueue<number>({ diagnostics, ports });
    const lost: unknown[] = [];
    const forgotten: string[] = [];
    m.on("guard-lost", (report) => lost.push(report));
    queue.on("forgotten", ({ error }) => forgotten.push(`(${String(error).split(" at ")[1]})`));
    queue.tryPut(1);
    const forget = (): void => void [m.tryLock(), queue.tryGet()];
    forget();

    await collectUntil(() => lost.length + forgotten.length === 2, "both were lost");

    expect(lost).toMatchObject([{ siteKind }]);
    expect(forgotten[0]).toMatch(new RegExp(`^${placed(remark)}$`));
  });
});
