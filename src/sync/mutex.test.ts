import { beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import type { Guard } from "./guard.ts";
import { Mutex } from "./mutex.ts";
import type { SyncPorts } from "./sync-ports.ts";

let clock: ManualClock;
let ports: SyncPorts;

beforeEach(() => {
  clock = new ManualClock();
  ports = { clock, timers: clock, random: () => 0.5 };
});

function aMutex(options: ConstructorParameters<typeof Mutex>[0] = {}): Mutex {
  return new Mutex({ name: "m", ...options }, ports);
}

/** What a promise rejects with; listened to from now on. */
function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "it did not reject",
    (reason: unknown) => reason,
  );
}

/** Keeps the order in which locks are given. */
function inOrder(m: Mutex, names: readonly string[]): string[] {
  const order: string[] = [];
  for (const name of names) {
    void m.lock().then((guard) => {
      order.push(name);
      guard.release();
    });
  }
  return order;
}

describe("a mutex", () => {
  it("lets one in at a time", async () => {
    const m = aMutex();
    let insideCount = 0;
    let insideMax = 0;
    const work = async (): Promise<void> => {
      using _ = await m.lock();
      insideMax = Math.max(insideMax, ++insideCount);
      await clock.rest();
      insideCount--;
    };

    await Promise.all(Array.from({ length: 20 }, work));

    expect(insideMax).toBe(1);
    expect(m.isLocked).toBe(false);
  });

  it("lets in who came first", async () => {
    const m = aMutex();
    const guard = await m.lock();
    const order = inOrder(m, ["a", "b", "c"]);
    const before = m.waiters;

    guard.release();
    await clock.rest();

    expect(before).toBe(3);
    expect(order).toEqual(["a", "b", "c"]);
  });

  it("lets nobody in front of those who wait", async () => {
    const m = aMutex();
    const guard = await m.lock();
    const next = m.lock();

    guard.release();

    expect(m.tryLock()).toBeUndefined();
    (await next).release();
  });

  it("gives tryLock a guard only while it is free", () => {
    const m = aMutex();
    const guard = m.tryLock();

    expect(guard?.isHeld).toBe(true);
    expect(m.tryLock()).toBeUndefined();
    guard?.release();
    expect(m.isLocked).toBe(false);
  });

  it("names who holds it, where, and for how long", async () => {
    const m = aMutex();
    async function bookOrder(): Promise<Guard> {
      return await m.lock();
    }
    await bookOrder();
    await clock.advance(1_200);

    expect(m.holders()).toEqual([
      {
        holder: "bookOrder()",
        site: expect.stringMatching(/^mutex\.test\.ts:\d+ in bookOrder$/) as string,
        siteKind: expect.stringMatching(/^(?:exact|sampled)$/) as string,
        sinceMs: 1_200,
      },
    ]);
  });

  it("notes no places when diagnostics are off", async () => {
    const m = aMutex({ diagnostics: "off" });
    await m.lock();
    const late = m.lock({ waitMs: 5 });
    const refusal = reasonOf(late);

    await clock.advance(5);

    expect(await refusal).toMatchObject({
      details: { state: "held by a call whose place was not noted for 5 ms" },
    });
    expect(m.holders()).toEqual([
      { holder: "a call whose place was not noted", site: null, siteKind: "off", sinceMs: 5 },
    ]);
  });
});

describe("a guard", () => {
  it("is released once", async () => {
    const guard = await aMutex().lock();
    guard.release();

    expect(() => guard.release()).toThrow(
      expect.objectContaining({
        code: "UNJAM_LEASE_SETTLED",
        details: { what: 'the guard of mutex "m"' },
      }),
    );
  });

  it("may be released before its block is left", async () => {
    const m = aMutex();
    async function early(): Promise<void> {
      using guard = await m.lock();
      guard.release();
    }

    await early();

    expect(m.isLocked).toBe(false);
  });

  it("is released when its block throws", async () => {
    const m = aMutex();
    const failing = async (): Promise<void> => {
      using _ = await m.lock();
      throw new Error("inside");
    };

    await expect(failing()).rejects.toThrow("inside");
    expect(m.isLocked).toBe(false);
  });

  it("does nothing for the next holder when it is disposed a second time", async () => {
    const m = aMutex();
    const guard = await m.lock();
    guard[Symbol.dispose]();
    const next = await m.lock();

    guard[Symbol.dispose]();

    expect(next.isHeld).toBe(true);
    expect(m.isLocked).toBe(true);
  });
});

describe("a wait for a lock", () => {
  it("ends after 30 s unless told otherwise", async () => {
    const m = aMutex();
    await m.lock();
    let isOver = false;
    const late = m.lock().catch((error: unknown) => {
      isOver = true;
      throw error;
    });
    const refusal = reasonOf(late);

    await clock.advance(29_999);
    expect(isOver).toBe(false);
    await clock.advance(1);

    expect(await refusal).toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      details: { what: 'the wait for mutex "m"', waitedMs: 30_000 },
    });
    expect(m.waiters).toBe(0);
  });

  it("never ends by itself when waitMs is Infinity", async () => {
    const m = aMutex();
    const guard = await m.lock();
    const waits = m.lock({ waitMs: Infinity });

    await clock.advance(86_400_000 * 40);
    guard.release();

    expect((await waits).isHeld).toBe(true);
  });

  it("in the middle of the line ends without losing the permit", async () => {
    const m = aMutex();
    const guard = await m.lock();
    const first = inOrder(m, ["first"]);
    const late = m.lock({ waitMs: 10 });
    const refusal = reasonOf(late);
    const last = inOrder(m, ["last"]);

    await clock.advance(10);
    expect(await refusal).toMatchObject({ code: "UNJAM_WAIT_TIMEOUT" });
    guard.release();
    await clock.rest();

    expect([first, last, m.isLocked]).toEqual([["first"], ["last"], false]);
  });

  it("in the middle of the line ends with the reason of its signal", async () => {
    const m = aMutex();
    const guard = await m.lock();
    const first = inOrder(m, ["first"]);
    const controller = new AbortController();
    const reason = { why: "the client left" };
    const aborted = m.lock({ signal: controller.signal });
    const refusal = reasonOf(aborted);
    const last = inOrder(m, ["last"]);

    controller.abort(reason);
    expect(await refusal).toBe(reason);
    guard.release();
    await clock.rest();

    expect([first, last, m.isLocked]).toEqual([["first"], ["last"], false]);
  });

  it("does not begin when its signal was aborted before", async () => {
    const m = aMutex();

    await expect(m.lock({ signal: AbortSignal.abort("gone") })).rejects.toBe("gone");
    await expect(m.run(() => 1, { signal: AbortSignal.abort("gone") })).rejects.toBe("gone");
    expect(m.isLocked).toBe(false);
  });

  it("keeps its lock when the signal is aborted afterwards", async () => {
    const m = aMutex();
    const held = await m.lock();
    const controller = new AbortController();
    const waits = m.lock({ signal: controller.signal });

    held.release();
    controller.abort("late");

    expect((await waits).isHeld).toBe(true);
  });

  it("is refused at once when too many wait already", async () => {
    const m = aMutex({ waitersMax: 1 });
    await m.lock();
    void m.lock({ waitMs: Infinity });

    await expect(m.lock()).rejects.toMatchObject({
      code: "UNJAM_TOO_MANY_WAITERS",
      message: '1 callers already wait for mutex "m"',
    });
    await expect(m.run(() => 1)).rejects.toMatchObject({ code: "UNJAM_TOO_MANY_WAITERS" });
  });

  it.each([
    [{ waitMs: -1 }, "UNJAM_INVALID_OPTION"],
    [{ waitMs: Number.NaN }, "UNJAM_INVALID_OPTION"],
    [{ signal: {} }, "UNJAM_INVALID_OPTION"],
    [{ timeout: 5 }, "UNJAM_UNKNOWN_OPTION"],
  ])("with the options %o is refused with %s", async (options, code) => {
    const m = aMutex();

    await expect(m.lock(options as never)).rejects.toMatchObject({ code });
    expect(m.isLocked).toBe(false);
  });

  it("finds the lock whole when its options call it", async () => {
    const m = aMutex();
    let inner: Guard | undefined;
    const options = {
      get waitMs(): number {
        inner = m.tryLock();
        return 5;
      },
    };

    const late = m.lock(options);
    const refusal = reasonOf(late);
    await clock.advance(5);

    expect(await refusal).toMatchObject({ code: "UNJAM_WAIT_TIMEOUT" });
    expect(inner?.isHeld).toBe(true);
  });
});

describe("run", () => {
  it("resolves with what the function returns, and releases the lock", async () => {
    const m = aMutex();

    expect(await m.run(async () => "value")).toBe("value");
    expect(m.isLocked).toBe(false);
  });

  it("rejects with what the function throws, and releases the lock", async () => {
    const m = aMutex();

    await expect(
      m.run(() => {
        throw new Error("inside");
      }),
    ).rejects.toThrow("inside");
    expect(m.isLocked).toBe(false);
  });

  it("works without diagnostics", async () => {
    const m = aMutex({ diagnostics: "off" });

    const both = await Promise.all([m.run(() => 1), m.run(() => 2)]);

    expect(both).toEqual([1, 2]);
  });

  it("ends its wait at the deadline", async () => {
    const m = aMutex();
    await m.lock();
    const late = m.run(() => 1, { waitMs: 5 });
    const refusal = reasonOf(late);

    await clock.advance(5);

    expect(await refusal).toMatchObject({ code: "UNJAM_WAIT_TIMEOUT" });
  });

  it("refuses what is not a function", async () => {
    await expect(aMutex().run("fn" as never)).rejects.toMatchObject({
      code: "UNJAM_INVALID_OPTION",
    });
  });
});
