import { beforeEach, describe, expect, it } from "vitest";
import { outcomeOf } from "../../test/sync/outcome-of.ts";
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

function aMutex(name: string): Mutex {
  return new Mutex({ name, diagnostics: "full" }, ports);
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
          /^held by holder\(\) \(no-deadlock\.test\.ts:\d+ in holder\) for \d+ ms$/,
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
    ["by a function that is called all", (...of) => named.all(...of)],
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
      refreshed.push(await outcomeOf(lockOnce(m)));
      if (refreshed.length === 2) twice.open();
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

  it.each<[string, (poll: () => Promise<void>) => unknown]>([
    ["directly", (poll) => poll()],
    ["among others", (poll) => Promise.all([poll(), turn()])],
    ["in a turn of its own", (poll) => setImmediate(() => void poll())],
    ["in a microtask", (poll) => Promise.resolve().then(poll)],
  ])("a function that starts itself again %s, on another branch", async (_how, start) => {
    const m = aMutex("m");
    const [begun, done] = [aGate(), aGate()];
    let second: Promise<string> | undefined;
    async function poll(isFirst: boolean): Promise<void> {
      await turn();
      if (isFirst) {
        using _ = await m.lock();
        start(() => poll(false));
        await done.passed;
      } else {
        second = outcomeOf(lockOnce(m));
        begun.open();
        await second;
      }
    }

    start(() => poll(true));
    await begun.passed;
    await manyLooks();
    done.open();

    expect(await second).toBe("done");
  });

  it.each<[string, (again: () => void) => unknown]>([
    ["the holder", (again) => again()],
    ["the loop", (again) => setImmediate(again)],
  ])("a function that %s has just called by the like of its awaiters", async (_who, start) => {
    const m = aMutex("m");
    const [begun, done] = [aGate(), aGate()];
    let second: Promise<string> | undefined;
    async function poll(isFirst: boolean): Promise<void> {
      await step(isFirst);
    }
    async function step(isFirst: boolean): Promise<void> {
      if (isFirst) {
        using _ = await m.lock();
        start(() => void poll(false));
        await done.passed;
      } else {
        second = outcomeOf(lockOnce(m));
        begun.open();
        await second;
      }
    }

    void poll(true);
    await begun.passed;
    await manyLooks();
    done.open();

    expect(await second).toBe("done");
  });

  it("a function that is called again when it has left its guard with somebody else", async () => {
    const m = aMutex("m");
    let kept: Guard | undefined;
    async function handle(isFirst: boolean): Promise<void> {
      if (isFirst) kept = await m.lock();
      else await lockOnce(m);
    }
    async function each(): Promise<void> {
      await turn();
      for (const isFirst of [true, false]) await handle(isFirst);
    }

    const outcome = outcomeOf(each());
    await manyLooks();
    kept?.release();

    expect(await outcome).toBe("done");
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

const named = {
  all: function all(lock: Promise<Guard>, late: Promise<string>): Promise<unknown> {
    return Promise.race([lock.then(() => "locked"), late]);
  },
};

async function lockOnce(m: Mutex): Promise<void> {
  using _ = await m.lock();
}

function resolvedBy(...promises: readonly Promise<unknown>[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    for (const promise of promises) promise.then(resolve, reject);
  });
}
