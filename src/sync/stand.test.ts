/** Who is taken for the holder of a lock: the one call of a function that took it, and no other. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { outcomeOf } from "../../test/sync/outcome-of.ts";
import { watch } from "../../test/sync/queue-stage.ts";
import { DEADLOCK_STANDS_MS } from "../core/limits.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { Guard } from "./guard.ts";
import { Mutex } from "./mutex.ts";
import type { SyncPorts } from "./sync-ports.ts";

let clock: ManualClock;
let ports: SyncPorts;
let m: Mutex;

beforeEach(() => {
  clock = new ManualClock();
  ports = { clock, timers: clock, random: () => 0.5 };
  m = new Mutex({ name: "m", diagnostics: "full" }, ports);
});

/** A turn of the loop, as after any I/O. */
function turn(): Promise<void> {
  return clock.rest();
}

/** The same, when a cycle that somebody could undo has stood for as long as it must. */
async function standingOutcomeOf(promise: Promise<unknown>): Promise<string> {
  const outcome = outcomeOf(promise);
  while (m.waiters === 0) await turn();
  await clock.advance(DEADLOCK_STANDS_MS);
  return await outcome;
}

/** The same of somebody who comes to wait, when all looks and the deadline have passed. */
async function lateOutcomeOf(promise: Promise<unknown>): Promise<string> {
  const outcome = watch(outcomeOf(promise));
  while (outcome.isPending && m.waiters === 0) await turn();
  await clock.advance(31_000);
  return await outcome.promise;
}

/** When somebody waits, and every look at him would have found what there is to find. */
async function allLooks(): Promise<void> {
  while (m.waiters === 0) await turn();
  await clock.advance(25_000);
}

async function lockOnce(): Promise<void> {
  using _ = await m.lock();
}

describe("who holds a lock is told", () => {
  it("when the lock comes through a function that returns the promise without awaiting it", async () => {
    const take = async (): Promise<Guard> => m.lock();
    async function holder(): Promise<void> {
      using _ = await take();
      // What follows runs below the loop that drains microtasks, as after most I/O.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      await take();
    }

    expect(await outcomeOf(holder())).toBe("UNJAM_DEADLOCK");
  });

  it("when it uses a guard that others took, who had awaited something before", async () => {
    async function take(): Promise<Guard> {
      await turn();
      return await m.lock();
    }
    async function holder(): Promise<void> {
      using _ = await take();
      await turn();
      await lockOnce();
    }

    expect(await outcomeOf(holder())).toBe("UNJAM_DEADLOCK");
  });

  it.each(["outside of", "inside"])(
    "when it had to wait for the lock, %s another",
    async (where) => {
      const other = new Mutex({ diagnostics: "full" }, ports);
      async function holder(): Promise<void> {
        const guard = await m.lock();
        try {
          await m.lock();
        } finally {
          guard.release();
        }
      }
      // In a turn of its own, from which its flow leaks to nobody.
      const before = await turn().then(() => m.tryLock());

      const outcome = outcomeOf(where === "inside" ? other.run(holder) : holder());
      await turn();
      before?.release();
      await turn();
      await clock.advance(DEADLOCK_STANDS_MS);

      expect(await outcome).toBe("UNJAM_DEADLOCK");
    },
  );

  it("when it shows itself by its next lock, however it came to the first", async () => {
    const take = async (): Promise<Guard> => await m.lock();
    async function holder(): Promise<void> {
      const guard = await m.lock();
      try {
        await take();
      } finally {
        guard.release();
      }
    }

    expect(await standingOutcomeOf(holder())).toBe("UNJAM_DEADLOCK");
  });

  it.each(["all", "allSettled"])("when it awaits the next by Promise.%s", async (how) => {
    async function holder(): Promise<void> {
      using _ = await m.lock();
      await turn();
      if (how === "all") await Promise.all([m.lock(), turn()]);
      else {
        const [next] = await Promise.allSettled([m.lock(), turn()]);
        if (next.status === "rejected") throw next.reason;
      }
    }

    expect(await standingOutcomeOf(holder())).toBe("UNJAM_DEADLOCK");
  });

  it("when it awaits the next through a function that is called any", async () => {
    async function any(): Promise<void> {
      await lockOnce();
    }
    async function holder(): Promise<void> {
      using _ = await m.lock();
      await turn();
      await any();
    }

    expect(await outcomeOf(holder())).toBe("UNJAM_DEADLOCK");
  });

  it("when others like it await something else", async () => {
    async function step(depth: number): Promise<void> {
      await turn();
      if (depth > 0) await step(depth - 1);
      else {
        using _ = await m.lock();
        await turn();
        await lockOnce();
      }
    }

    expect(await outcomeOf(step(2))).toBe("UNJAM_DEADLOCK");
  });
});

describe("who holds a lock is not told", () => {
  it("when it was taken so deep in calls that the outermost are not seen", async () => {
    const deep = (depth: number): Promise<Guard> => (depth === 0 ? m.lock() : deep(depth - 1));
    async function holder(): Promise<void> {
      await turn();
      const guard = await deep(40);
      await turn();
      await lockOnce();
      guard.release();
    }

    expect(await lateOutcomeOf(holder())).toBe("UNJAM_WAIT_TIMEOUT");
  });

  it("when a guard is used that deep", async () => {
    const deep = async (depth: number): Promise<void> => {
      if (depth > 0) {
        await deep(depth - 1);
        return;
      }
      using _ = m.tryLock();
      await turn();
      await lockOnce();
    };

    expect(await lateOutcomeOf(deep(40))).toBe("UNJAM_WAIT_TIMEOUT");
  });

  it("when it is a function that its caller has started and does not await", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    async function holder(): Promise<void> {
      const guard = m.tryLock();
      // What a `using` declaration reads.
      const dispose = guard?.[Symbol.dispose];
      await promise;
      dispose?.();
    }
    async function caller(): Promise<void> {
      await turn();
      void holder();
      await lockOnce();
    }

    const outcome = outcomeOf(caller());
    await allLooks();
    resolve();

    expect(await outcome).toBe("done");
  });
});

describe("another call of the holder's function is not taken for it", () => {
  it("when it comes to the lock on a branch before it", async () => {
    const second = Promise.withResolvers<string>();
    async function poll(isFirst: boolean): Promise<void> {
      await step(isFirst);
    }
    async function step(isFirst: boolean): Promise<void> {
      await turn();
      if (!isFirst) second.resolve(await outcomeOf(lockOnce()));
      else {
        using _ = await m.lock();
        void poll(false);
        await allLooks();
      }
    }

    void poll(true);

    expect(await second.promise).toBe("done");
  });

  it("when it comes to the lock at the very place where the first one got it", async () => {
    let kept: Guard | undefined;
    async function later(): Promise<Guard> {
      await turn();
      return await m.lock();
    }
    async function handle(isFirst: boolean): Promise<void> {
      const guard = await (isFirst ? m.lock() : later());
      if (isFirst) kept = guard;
      else guard.release();
    }
    async function each(): Promise<void> {
      await turn();
      for (const isFirst of [true, false]) await handle(isFirst);
    }

    const outcome = outcomeOf(each());
    await allLooks();
    kept?.release();

    expect(await outcome).toBe("done");
  });

  it("when it stands at the very beginning of a module, where its body does", async () => {
    const second = Promise.withResolvers<string>();
    const lockAgain = async (): Promise<void> => second.resolve(await outcomeOf(lockOnce()));
    vi.stubGlobal("unjamTest", { m, turn, allLooks, lockAgain });
    const body = `async function poll(isFirst) {
      const { m, turn, allLooks, lockAgain } = globalThis.unjamTest;
      await turn();
      if (isFirst) {
        const guard = await m.lock();
        void poll(false);
        await allLooks();
        guard.release();
      } else await lockAgain();
    }
    void poll(true);`;

    await import(`data:text/javascript,${encodeURIComponent(body)}`);

    expect(await second.promise).toBe("done");
    vi.unstubAllGlobals();
  });

  it("when those who called the holder's callers go on, and are like them", async () => {
    async function caller(depth: number): Promise<void> {
      if (depth > 0) {
        await turn();
        void caller(depth - 1);
      }
      await step(depth === 0);
    }
    async function step(isFirst: boolean): Promise<void> {
      if (isFirst) {
        const guard = await m.lock();
        await allLooks();
        guard.release();
      } else {
        await turn();
        await lockOnce();
      }
    }

    expect(await outcomeOf(caller(1))).toBe("done");
  });

  it("when others await it", async () => {
    let second: Promise<string> | undefined;
    async function step(isFirst: boolean): Promise<void> {
      if (isFirst) {
        using _ = await m.lock();
        second = other();
        await allLooks();
      } else {
        await turn();
        await lockOnce();
      }
    }
    async function other(): Promise<string> {
      return await outcomeOf(step(false));
    }

    await step(true);

    expect(await second).toBe("done");
  });

  it("when it awaits the lock later than it has asked for it, like the holder", async () => {
    const outcomes: string[] = [];
    const [first, both] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    async function poll(): Promise<void> {
      outcomes.push(await outcomeOf(step()));
      if (outcomes.length === 2) both.resolve();
    }
    async function step(): Promise<void> {
      await turn();
      const isFirst = !m.isLocked;
      const lock = m.lock();
      await turn();
      using _ = await lock;
      if (!isFirst) return;
      void poll();
      await first.promise;
    }

    void poll();
    await allLooks();
    first.resolve();
    await both.promise;

    expect(outcomes).toEqual(["done", "done"]);
  });
});

describe("who looks at the guard of somebody else", () => {
  it("is not taken for its holder", async () => {
    let second: Promise<string> | undefined;
    async function helper(guard: Guard): Promise<void> {
      await turn();
      expect(guard[Symbol.dispose]).toBeTypeOf("function");
      await turn();
      await lockOnce();
    }
    async function holder(): Promise<void> {
      using guard = await m.lock();
      second = outcomeOf(helper(guard));
      await allLooks();
    }

    await holder();

    expect(await second).toBe("done");
  });
});

describe("who awaits the lock of somebody else", () => {
  it("is not taken for its holder when he goes on first", async () => {
    const other = new Mutex({ diagnostics: "full" }, ports);
    async function first(lock: Promise<Guard>): Promise<void> {
      await lock;
      (await other.lock()).release();
      await turn();
      await lockOnce();
    }
    async function holder(): Promise<string> {
      await turn();
      const lock = m.lock();
      const outcome = outcomeOf(first(lock));
      const guard = await lock;
      await allLooks();
      guard.release();
      return await outcome;
    }

    expect(await holder()).toBe("done");
  });
});
