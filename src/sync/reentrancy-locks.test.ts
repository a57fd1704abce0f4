/** What may run in the middle of a call of a lock: see reentrancy.test.ts and reentrancy-matrix.test.ts. */
import { createHook } from "node:async_hooks";
import { spawnSync } from "node:child_process";
import { setMaxListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LOCK_CALLS, type LockCall, LockLedger } from "../../test/sync/lock-ledger.ts";
import { TRAPS, type Trap } from "../../test/sync/trap.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import type { Guard } from "./guard.ts";
import { Mutex } from "./mutex.ts";
import { Semaphore } from "./semaphore.ts";

/** Makes `outer` with `inner` in its middle; whether it came to that. */
function meet(
  ledger: LockLedger,
  { dress, around }: Trap,
  calls: { readonly outer: LockCall; readonly inner: LockCall },
): boolean {
  let isUnderWay = true;
  let isSprung = false;
  const spring = (): void => {
    if (!isUnderWay || isSprung) return;
    isSprung = true;
    ledger.call(calls.inner);
  };
  const call = (): void => ledger.call(calls.outer, (given) => dress?.(given, spring) ?? given);
  if (around === undefined) call();
  else around(call, spring);
  isUnderWay = false;
  return isSprung;
}

describe.each(TRAPS)("$name", (trap) => {
  it.each([
    [1, "off"],
    [1, "full"],
    [2, "off"],
    [2, "full"],
  ] as const)(
    "may make any call of a lock of %i in the middle of any other: its permits are right (diagnostics %s)",
    async (permits, diagnostics) => {
      const sprung = new Set<LockCall>();
      for (const isFull of [true, false]) {
        for (const outer of LOCK_CALLS) {
          for (const inner of LOCK_CALLS) {
            const ledger = new LockLedger(permits, diagnostics);
            if (isFull) ledger.fill();
            if (!meet(ledger, trap, { outer, inner })) continue;
            sprung.add(outer);
            await ledger.clock.rest();
            const faults = [...ledger.faults(), ...(await ledger.end())];
            expect({ isFull, outer, inner, faults }).toEqual({ isFull, outer, inner, faults: [] });
          }
        }
      }

      expect([...sprung]).toContain("lock");
    },
  );
});

describe("a signal that aborts while it is let go of", () => {
  it("changes nothing: who was let in has the lock", async () => {
    const mutex = new Mutex();
    const stop = new AbortController();
    Object.defineProperty(stop.signal, "removeEventListener", {
      value: (): void => stop.abort("too late"),
    });
    const guard = mutex.tryLock();
    const next = mutex.lock({ signal: stop.signal });

    guard?.release();

    expect((await next).isHeld).toBe(true);
    (await next).release();
    expect([mutex.isLocked, mutex.waiters]).toEqual([false, 0]);
  });
});

describe("a hook of async_hooks", () => {
  /** Calls `step` at the first, the second … thing that is made while each call begins. */
  async function atEach(
    call: (mutex: Mutex, signal: AbortSignal) => Promise<unknown>,
    step: (guard: Guard | undefined, stop: AbortController) => void,
  ): Promise<unknown[]> {
    const ends: unknown[] = [];
    for (let skipped = 0; skipped < 8; skipped++) {
      const mutex = new Mutex();
      const guard = mutex.tryLock();
      const stop = new AbortController();
      let count = 0;
      const hook = createHook({ init: () => void (count++ === skipped && step(guard, stop)) });
      hook.enable();
      const end = call(mutex, stop.signal);
      hook.disable();
      if (count <= skipped) step(guard, stop);
      ends.push(await end.catch((error: unknown) => error));
    }
    return ends;
  }
  const lockOnce = async (mutex: Mutex, signal: AbortSignal): Promise<string> => {
    const guard = await mutex.lock({ signal, waitMs: 1_000 });
    guard.release();
    return "had it";
  };
  const runOnce = (mutex: Mutex, signal: AbortSignal): Promise<string> =>
    mutex.run(() => "had it", { signal, waitMs: 1_000 });

  it.each([
    ["lock", lockOnce],
    ["run", runOnce],
  ] as const)("may let go of the lock while a %s() begins, which gets it", async (_, call) => {
    const ends = await atEach(call, (guard) => guard?.release());

    expect(new Set(ends)).toEqual(new Set(["had it"]));
  });

  it.each([
    ["lock", lockOnce],
    ["run", runOnce],
  ] as const)("may abort the very %s() while it begins", async (_, call) => {
    const ends = await atEach(call, (_guard, stop) => stop.abort("enough"));

    expect(new Set(ends)).toEqual(new Set(["enough"]));
  });
});

describe("a signal whose methods throw", () => {
  it("ends its own wait alone: the lock goes to the next, and nobody holds it for good", async () => {
    const mutex = new Mutex();
    const patched = (name: "addEventListener" | "removeEventListener"): AbortSignal => {
      const value = (): never => {
        throw new Error(name);
      };
      return Object.defineProperty(new AbortController().signal, name, { value });
    };
    const guard = mutex.tryLock();
    const deaf = mutex.lock({ signal: patched("addEventListener") });
    const sticky = mutex.lock({ signal: patched("removeEventListener") });

    await expect(deaf).rejects.toThrow("addEventListener");
    guard?.release();
    (await sticky).release();

    expect([mutex.isLocked, mutex.waiters]).toEqual([false, 0]);
  });
});

describe("valueOf", () => {
  it("is asked neither of a number of permits nor of a time, which are refused as they are", async () => {
    let askedCount = 0;
    const sly = {
      valueOf: () => ++askedCount,
      [Symbol.toPrimitive]: () => ++askedCount,
    } as unknown as number;
    const refusal: unknown = expect.objectContaining({ code: "UNJAM_INVALID_OPTION" });

    expect(() => new Semaphore(sly)).toThrow(refusal);
    await expect(new Mutex().lock({ waitMs: sly })).rejects.toEqual(refusal);
    await expect(new Mutex().run(() => 1, { waitMs: sly })).rejects.toEqual(refusal);
    expect(askedCount).toBe(0);
  });
});

describe("a listener of lock-order", () => {
  /** Two mutexes that were taken in one order; taking them in the other tells. */
  async function crossed(): Promise<{
    readonly a: Mutex;
    readonly b: Mutex;
    readonly cross: () => Promise<Guard>;
  }> {
    const a = new Mutex({ name: "a", diagnostics: "full" });
    const b = new Mutex({ name: "b", diagnostics: "full" });
    (await nest(a, b)).release();
    return { a, b, cross: () => nest(b, a) };
  }

  /** Takes the second under the first, and lets go of the first. */
  async function nest(first: Mutex, second: Mutex): Promise<Guard> {
    using _ = await first.lock();
    await Promise.resolve();
    return await second.lock();
  }

  it("may take, release and wait for both locks: each is whole", async () => {
    const { a, b, cross } = await crossed();
    const told: unknown[] = [];
    const waits: Promise<void>[] = [];
    const released = (guard: Guard): void => guard.release();
    a.on("lock-order", () => {
      told.push(a.tryLock(), b.tryLock());
      waits.push(a.lock().then(released), b.lock().then(released));
    });

    (await cross()).release();
    await Promise.all(waits);

    expect([told, waits.length]).toEqual([[undefined, undefined], 2]);
    expect([a.isLocked, b.isLocked, a.waiters, b.waiters]).toEqual([false, false, 0, 0]);
  });

  it("may throw: the caller has his lock all the same", async () => {
    const { a, cross } = await crossed();
    let toldCount = 0;
    a.on("lock-order", () => {
      toldCount++;
      throw new Error("listener");
    });

    const guard = await cross();
    expect([toldCount, guard.isHeld, a.isLocked]).toEqual([1, true, true]);
    guard.release();
    expect(a.isLocked).toBe(false);
  });
});

describe("a stack overflow", () => {
  // Optimized code puts many calls into one frame, and hides where a call may end.
  beforeAll(() => setFlagsFromString("--no-opt"));
  afterAll(() => setFlagsFromString("--opt"));

  it.each(["off", "sampled"] as const)(
    "inside any call leaves a lock whole: what was told is what is held (diagnostics %s)",
    (diagnostics) => {
      const permits = 1_000_000;
      // So that every tenth call has its place noted.
      let now = 0;
      const clock = { now: (): number => (now += 0.02), wallNow: (): number => 0 };
      const ports = { clock, timers: new ManualClock(), random: (): number => 0.5 };
      const lock = new Semaphore(permits, { diagnostics }, ports);
      // Filled without a call: push() would need room on the stack where tryLock() needed none.
      const guards = Array.from<Guard | undefined>({ length: permits });
      let count = 0;
      const lockOne = (): void => {
        const guard = lock.tryLock();
        if (guard !== undefined) guards[count++] = guard;
      };
      const releaseOne = (): void => {
        if (count === 0) return;
        guards[count - 1]?.release();
        // Or it met the end of the stack, and is held as before.
        count--;
      };
      const steps = [lockOne, releaseOne, lockOne];
      let calls = 0;
      /** Calls a step at every depth down to the last one that the stack has. */
      const dig = (pad: number): number => {
        try {
          steps[calls++ % steps.length]?.();
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
        return dig(pad + 1) + 1;
      };
      /** Moves the end of the stack by a few words against the frames of the calls. */
      const shifted = (frames: number): number => (frames === 0 ? dig(0) : shifted(frames - 1) + 1);

      for (let round = 0; round < 40; round++) expect(() => shifted(round)).toThrow(RangeError);

      const held = guards.slice(0, count).filter((guard) => guard?.isHeld === true);
      expect(permits - lock.free).toBe(held.length);
      expect(lock.holders()).toHaveLength(held.length);
      for (const guard of held) guard?.release();
      expect(lock.free).toBe(permits);
    },
  );
});

describe("a stack overflow of those who wait", () => {
  beforeAll(() => setFlagsFromString("--no-opt"));
  afterAll(() => setFlagsFromString("--opt"));

  it.each(["off", "sampled"] as const)(
    "leaves nobody in line who has no promise (diagnostics %s)",
    async (diagnostics) => {
      const clock = new ManualClock();
      const ports = { clock, timers: clock, random: (): number => 0.5 };
      const mutex = new Mutex({ diagnostics, waitersMax: 1_000_000 }, ports);
      const guard = mutex.tryLock();
      const stop = new AbortController();
      setMaxListeners(0, stop.signal);
      const waits: Promise<unknown>[] = [];
      let calls = 0;
      const dig = (pad: number): number => {
        try {
          // At a few depths only: each that waits stays.
          if (calls++ % 64 === 0) waits.push(mutex.lock({ signal: stop.signal }));
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
        return dig(pad + 1) + 1;
      };
      const shifted = (frames: number): number => (frames === 0 ? dig(0) : shifted(frames - 1) + 1);

      for (let round = 0; round < 64; round++) expect(() => shifted(round)).toThrow(RangeError);
      const settled = Promise.allSettled(waits);
      const waitersCount = mutex.waiters;
      stop.abort("enough");
      const rejectedCount = (await settled).filter(({ status }) => status === "rejected").length;

      expect(rejectedCount).toBe(waits.length);
      expect([waitersCount, mutex.waiters]).toEqual([
        waits.length - refusedAtOnce(await settled),
        0,
      ]);
      guard?.release();
      expect(mutex.isLocked).toBe(false);
    },
  );

  /** Those whose options could not even be read. */
  function refusedAtOnce(settled: readonly PromiseSettledResult<unknown>[]): number {
    return settled.filter((each) => each.status === "rejected" && each.reason !== "enough").length;
  }
});

describe("the handler of an exit", () => {
  it("may lock and release, also when the exit came from inside a lock()", () => {
    const source = new URL("./mutex.ts", import.meta.url).href;
    const program = `
      import { Mutex } from ${JSON.stringify(source)};
      const [a, b] = ["a", "b"].map((name) => new Mutex({ name, diagnostics: "full" }));
      const nest = async (first, second) => {
        const x = await first.lock();
        await Promise.resolve();
        const y = await second.lock();
        x.release();
        return y;
      };
      process.on("exit", () => {
        const before = [a.isLocked, b.isLocked, a.holders().length];
        const refused = a.tryLock();
        const guard = new Mutex().tryLock();
        guard.release();
        console.log(JSON.stringify({ before, refused: refused === undefined, isHeld: guard.isHeld }));
      });
      (await nest(a, b)).release();
      a.on("lock-order", () => process.exit(0));
      await nest(b, a);
    `;

    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", program],
      { encoding: "utf8" },
    );

    expect(stdout, stderr).not.toBe("");
    // Of the lock that was being taken when the exit came: it is held, and nobody will release it.
    expect(JSON.parse(stdout)).toEqual({ before: [true, true, 1], refused: true, isHeld: false });
  });
});
