/** What `diagnostics` change: which calls are noted, and which deadlocks are found. */
import { beforeEach, describe, expect, it } from "vitest";
import { isUnjamError, type UnjamError } from "../core/errors.ts";
import { SITES_BURST_MAX } from "../core/limits.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { Diagnostics } from "./call-site.ts";
import { JoinableQueue } from "./joinable-queue.ts";
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
          holdSite: "an unknown place",
          waitsFor: 'an answer of queue "q"',
          waitSite: "an unknown place",
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
          holdSite: "an unknown place",
          waitSite: expect.stringMatching(/^diagnostics\.test\.ts:\d+$/) as string,
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
