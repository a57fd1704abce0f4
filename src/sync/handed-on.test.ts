/** What others may undo is refused only when it has stood, and what cannot be undone at once. */
import { beforeEach, describe, expect, it } from "vitest";
import { outcomeOf } from "../../test/sync/outcome-of.ts";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";
import { DEADLOCK_STANDS_MS, WAIT_LOOK_MS_MIN } from "../core/limits.ts";
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

/** Work that takes so long. */
function later(ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}

/** Just not as long as a cycle must stand. */
const SHORTLY_MS = DEADLOCK_STANDS_MS - 1;

async function lockOnce(m: Mutex): Promise<void> {
  using _ = await m.lock();
}

function fail(): never {
  throw new Error("failed");
}

/** What comes of it in the time in which a cycle would have stood. */
async function shortly(held: Promise<void>): Promise<string> {
  const [outcome] = await Promise.all([outcomeOf(held), clock.advance(DEADLOCK_STANDS_MS)]);
  return outcome;
}

/** As much of a DisposableStack as is needed; Node 22 has none. */
class GuardStack implements Disposable {
  #end: (() => void) | undefined;

  use(guard: Guard): void {
    this.#end = guard[Symbol.dispose];
  }

  move(): GuardStack {
    const moved = new GuardStack();
    moved.#end = this.#end;
    this.#end = undefined;
    return moved;
  }

  [Symbol.dispose](): void {
    this.#end?.();
  }
}

/** Keeps the disposer, and forgets the guard. */
class Owner {
  readonly end: () => void;

  constructor(guard: Guard) {
    this.end = guard[Symbol.dispose];
  }
}

describe("a guard of lock() that its function has given away does not make a deadlock", () => {
  it.each<[string, (guard: Guard) => unknown]>([
    ["a timer", (guard) => clock.after(SHORTLY_MS, () => guard.release())],
    ["a finally()", (guard) => later(SHORTLY_MS).finally(() => guard.release())],
  ])("when %s releases it", async (_who, giveAway) => {
    const m = aMutex("m");
    async function holder(): Promise<void> {
      const guard = await m.lock();
      giveAway(guard);
      const next = await m.lock();
      next.release();
    }

    const [outcome] = await Promise.all([outcomeOf(holder()), clock.advance(DEADLOCK_STANDS_MS)]);

    expect(outcome).toBe("done");
  });

  it.each(["all", "allSettled"] as const)(
    "when a sibling in its Promise.%s releases it, however late",
    async (how) => {
      const m = aMutex("m");
      async function releaseLate(guard: Guard): Promise<void> {
        await clock.advance(25_000);
        guard.release();
      }
      async function holder(): Promise<void> {
        const guard = await m.lock();
        const both = [m.lock(), releaseLate(guard)] as const;
        if (how === "all") await Promise.all(both);
        else {
          const [next] = await Promise.allSettled(both);
          if (next.status === "rejected") throw next.reason;
        }
      }

      expect(await outcomeOf(holder())).toBe("done");
    },
  );

  it("when the other of two flows has left its guard to a timer", async () => {
    const [a, b] = [aMutex("a"), aMutex("b")];
    async function first(): Promise<void> {
      const guard = await a.lock();
      (await b.lock()).release();
      guard.release();
    }
    async function second(): Promise<void> {
      const guard = await b.lock();
      clock.after(SHORTLY_MS, () => guard.release());
      (await a.lock()).release();
    }

    const [outcome] = await Promise.all([
      outcomeOf(Promise.all([first(), second()])),
      clock.advance(DEADLOCK_STANDS_MS),
    ]);

    expect(outcome).toBe("done");
  });
});

describe("a guard whose disposer its function has given away does not make a deadlock", () => {
  it("when a timer ends the stack that it is in", async () => {
    const m = aMutex("m");
    const held = async (): Promise<void> => {
      // Resumed: its turn is its own, so that the call of lock() alone tells who it is.
      await clock.rest();
      const stack = new GuardStack();
      stack.use(await m.lock());
      clock.after(SHORTLY_MS, () => stack[Symbol.dispose]());
      await lockOnce(m);
    };

    expect(await shortly(held())).toBe("done");
  });

  it("when a timer ends an object that was made with the disposer", async () => {
    const m = aMutex("m");
    const held = async (): Promise<void> => {
      await clock.rest();
      const owner = new Owner(await m.lock());
      clock.after(SHORTLY_MS, owner.end);
      await lockOnce(m);
    };

    expect(await shortly(held())).toBe("done");
  });

  it("when a sibling has the stack that it is in, however late it ends it", async () => {
    const m = aMutex("m");
    async function endLate(moved: GuardStack): Promise<void> {
      using _ = moved;
      await clock.advance(25_000);
    }
    async function holder(): Promise<void> {
      await clock.rest();
      using stack = new GuardStack();
      stack.use(await m.lock());
      await Promise.all([lockOnce(m), endLate(stack.move())]);
    }

    expect(await outcomeOf(holder())).toBe("done");
  });

  it.each(["all", "allSettled"] as const)(
    "when a sibling in a Promise.%s releases it before its block ends",
    async (how) => {
      const m = aMutex("m");
      async function releaseEarly(guard: Guard): Promise<void> {
        await later(SHORTLY_MS);
        guard.release();
      }
      async function holder(): Promise<string> {
        using guard = await m.lock();
        const both = [outcomeOf(lockOnce(m)), releaseEarly(guard)] as const;
        await (how === "all" ? Promise.all(both) : Promise.allSettled(both));
        return await both[0];
      }

      const [outcome] = await Promise.all([holder(), clock.advance(DEADLOCK_STANDS_MS)]);

      expect(outcome).toBe("done");
    },
  );
});

describe("a guard in a `using` declaration is taken to be with nobody but its block", () => {
  it("so a timer that would have released it comes too late", async () => {
    const m = aMutex("m");
    async function holder(): Promise<void> {
      using guard = await m.lock();
      clock.after(SHORTLY_MS, () => guard.isHeld && guard.release());
      await lockOnce(m);
    }

    expect(await outcomeOf(holder())).toBe("UNJAM_DEADLOCK");
  });
});

describe("what else would end the await of an async function is not seen", () => {
  it.each<[string, (waits: Promise<void>, late: Promise<void>) => Promise<unknown>]>([
    ["Promise.race", (waits, late) => Promise.race([waits, late])],
    [
      "new Promise",
      (waits, late) =>
        new Promise<void>((resolve, reject) => {
          waits.then(resolve, reject);
          void late.then(resolve);
        }),
    ],
    ["a sibling that fails", (waits, late) => Promise.all([waits, late.then(() => fail())])],
  ])("in %s", async (_how, around) => {
    const m = aMutex("m");

    const held = m.run(async () => await around(lockOnce(m), later(SHORTLY_MS)));

    expect(await outcomeOf(held)).toBe("UNJAM_DEADLOCK");
  });
});

describe("two flows that hold what the other waits for, by lock()", () => {
  /** What becomes of them, and of the cycle that the first error has. */
  async function twoLocks(waitMs: number, passMs: number): Promise<string[]> {
    const [a, b] = [aMutex("a"), aMutex("b")];
    async function both(one: Mutex, other: Mutex): Promise<void> {
      const guard = await one.lock();
      try {
        (await other.lock({ waitMs })).release();
      } finally {
        guard.release();
      }
    }
    const pass = async (): Promise<void> => {
      await clock.advance(Math.min(passMs, WAIT_LOOK_MS_MIN));
      await clock.advance(passMs);
    };
    const [outcomes] = await Promise.all([
      Promise.all([outcomeOf(both(a, b)), outcomeOf(both(b, a))]),
      pass(),
    ]);
    return outcomes.toSorted();
  }

  it("are told when their cycle has stood, and one goes on", async () => {
    expect(await twoLocks(30_000, DEADLOCK_STANDS_MS)).toEqual(["UNJAM_DEADLOCK", "done"]);
  });

  it("are told at the deadline of the first when that is earlier, and the other goes on", async () => {
    expect(await twoLocks(500, 500)).toEqual(["UNJAM_DEADLOCK", "done"]);
  });
});

describe("a cycle that changes while it stands", () => {
  it("begins anew with those who hold each other now", async () => {
    const [m, n] = [aMutex("m"), aMutex("n")];
    let kept: Guard | undefined;
    async function holder(): Promise<void> {
      kept = await m.lock();
      await Promise.resolve();
      const next = await m.lock();
      kept = next;
      (await n.lock()).release();
      await m.lock();
    }
    const outcome = watch(outcomeOf(holder()));
    await clock.advance(SHORTLY_MS);
    kept?.release();
    await clock.advance(SHORTLY_MS);

    expect(outcome.isPending).toBe(true);
    await clock.advance(DEADLOCK_STANDS_MS);
    expect(await outcome.promise).toBe("UNJAM_DEADLOCK");
    kept?.release();
  });
});

describe("handlers that wait for what only they can do", () => {
  it.each<[string, (stage: QueueStage<number>) => unknown]>([
    ["another consumer is started", ({ queue }) => queue.consume(() => undefined)],
    ["somebody takes one by get", ({ queue }) => queue.tryGet()?.done()],
    ["what waits is dropped", ({ queue }) => queue.close({ drop: true })],
  ])("are not refused when %s shortly after", async (_what, help) => {
    const stage = new QueueStage<number>({ capacity: 1 });
    const outcomes: string[] = [];
    stage.queue.consume(async (n) => {
      if (n > 0) return;
      stage.queue.tryPut(1);
      outcomes.push(await outcomeOf(stage.queue.put(2)));
    });
    stage.queue.tryPut(0);
    await stage.advance(SHORTLY_MS);

    help(stage);
    await stage.advance(DEADLOCK_STANDS_MS);

    expect(outcomes).not.toContain("UNJAM_DEADLOCK");
    expect(outcomes).toHaveLength(1);
  });

  it("are refused one after the other, as many as there are", async () => {
    const stage = new QueueStage<number, number>({ capacity: 1_000 });
    const outcomes: string[] = [];
    stage.queue.consume(
      async (n) => {
        if (n > 0) outcomes.push(await outcomeOf(stage.queue.ask(n - 1)));
        return n;
      },
      { concurrency: 100 },
    );
    for (let n = 0; n < 100; n++) stage.queue.tryPut(1);

    await stage.advance(WAIT_LOOK_MS_MIN);
    await stage.advance(DEADLOCK_STANDS_MS);

    expect(outcomes.filter((outcome) => outcome === "UNJAM_DEADLOCK")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(99);
  });

  it("are named when a queue asks another that asks it back", async () => {
    const a = new QueueStage<string>({ name: "a" });
    const shared = { clock: a.clock, timers: a.clock, random: () => 0.5 };
    const other = new QueueStage<string>({ name: "b", ports: shared });
    a.queue.consume((text) => other.queue.ask(text), { name: "of-a" });
    other.queue.consume((text) => a.queue.ask(text), { name: "of-b" });

    const asked = watch(a.queue.ask("x"));
    await a.advance(WAIT_LOOK_MS_MIN);
    await a.advance(DEADLOCK_STANDS_MS);

    expect(asked.reason).toMatchObject({
      code: "UNJAM_DEADLOCK",
      details: {
        cycle: expect.arrayContaining([
          expect.objectContaining({
            flow: "of-a",
            holds: 'an item of queue "a"',
            waitsFor: 'an answer of queue "b"',
            waitSite: expect.stringMatching(/^handed-on\.test\.ts:\d+/) as string,
          }),
          expect.objectContaining({ flow: "of-b", waitsFor: 'an answer of queue "a"' }),
        ]) as unknown,
      },
    });
  });

  it("are refused at once when a lock and a join stand in the cycle: nobody else can undo it", async () => {
    const stage = new QueueStage<string>();
    const m = new Mutex(
      { name: "m" },
      { clock: stage.clock, timers: stage.clock, random: () => 0 },
    );
    stage.queue.consume(() => m.run(() => undefined));

    const joined = m.run(async () => {
      stage.queue.tryPut("x");
      return await stage.queue.join();
    });
    await stage.advance(0);

    expect(await joined).toMatchObject({
      failed: 1,
      errors: [{ error: { code: "UNJAM_DEADLOCK" } }],
    });
  });
});

describe("a wait is not proved", () => {
  it("by a function that awaits any of several", async () => {
    const m = aMutex("m");
    const outcomes: Promise<string>[] = [];
    async function helper(): Promise<void> {
      const outcome = outcomeOf(lockOnce(m));
      outcomes.push(outcome);
      await outcome;
    }
    async function holder(): Promise<void> {
      using _ = await m.lock();
      await clock.rest();
      await Promise.any([helper(), clock.advance(25_000)]);
    }

    await holder();

    expect(await Promise.all(outcomes)).toEqual(["done"]);
  });
});
