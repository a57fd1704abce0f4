import { describe, expect, it } from "vitest";
import { collectUntil } from "../../test/sync/collector.ts";
import { currentFlow, type Flow } from "./flow.ts";
import type { LockEventMap } from "./lock-events.ts";
import { Mutex } from "./mutex.ts";

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

type Lost = LockEventMap["guard-lost"];

function watched(): { readonly m: Mutex; readonly lost: Lost[] } {
  const m = new Mutex({ name: "m", diagnostics: "full" });
  const lost: Lost[] = [];
  m.on("guard-lost", (data) => lost.push(data));
  return { m, lost };
}

describe("a guard that is dropped unreleased", () => {
  it("is released and reported when the collector finds it", async () => {
    const { m, lost } = watched();
    async function careless(): Promise<void> {
      await m.lock();
    }

    await careless();
    await collectUntil(() => lost.length > 0, "a guard was lost");

    expect(lost).toEqual([
      {
        what: 'mutex "m"',
        holder: "careless()",
        site: expect.stringContaining("in careless") as string,
        siteKind: "exact",
        heldMs: expect.any(Number) as number,
      },
    ]);
    expect(m.isLocked).toBe(false);
  });

  it("lets the next one in", async () => {
    const { m } = watched();
    await (async () => void (await m.lock()))();
    let isIn = false;
    const next = m.run(() => {
      isIn = true;
    });

    await collectUntil(() => isIn, "the next one is in");
    await next;

    expect(m.isLocked).toBe(false);
  });

  it("is found also when it had waited inside a flow", async () => {
    const { m, lost } = watched();
    const other = new Mutex();
    const first = await m.lock();
    const careless = other.run(async () => {
      await m.lock();
    });
    await turn();
    await turn();
    first.release();
    await careless;

    await collectUntil(() => lost.length > 0, "a guard was lost");

    expect(m.isLocked).toBe(false);
  });

  it("is found also when nobody took it any more", async () => {
    const { m, lost } = watched();
    const first = await m.lock();
    void m.lock();
    first.release();

    await collectUntil(() => lost.length > 0, "a guard was lost");

    expect(m.isLocked).toBe(false);
  });
});

describe("a guard that was released", () => {
  it("is not reported", async () => {
    const { m, lost } = watched();
    let isFound = false;
    const collected = new FinalizationRegistry(() => {
      isFound = true;
    });
    await (async () => {
      const guard = await m.lock();
      collected.register(guard, undefined);
      guard.release();
    })();

    await collectUntil(() => isFound, "the guard is gone");
    await turn();

    expect(lost).toEqual([]);
  });
});

describe("a loop that locks for ever", () => {
  it("keeps nothing of its past", async () => {
    const { m } = watched();
    const flows: WeakRef<Flow>[] = [];
    for (let round = 0; round < 20; round++) {
      using _ = await m.lock();
      const flow = currentFlow();
      if (flow !== undefined) flows.push(new WeakRef(flow));
    }

    const areGone = (): boolean => flows.slice(0, -2).every((flow) => flow.deref() === undefined);
    await collectUntil(areGone, "past flows are gone");

    expect(flows).toHaveLength(20);
  });

  it("and always gives up keeps nothing of its past either", async () => {
    const { m } = watched();
    const flows: WeakRef<Flow>[] = [];
    // Not inside the call of who runs the test, where its flow would leak to.
    await turn();
    const guard = m.tryLock();
    for (let round = 0; round < 20; round++) {
      const outcome = m.lock({ waitMs: 0 }).catch(() => undefined);
      const flow = currentFlow();
      if (flow !== undefined) flows.push(new WeakRef(flow));
      await outcome;
    }

    const areGone = (): boolean => flows.slice(0, -2).every((flow) => flow.deref() === undefined);
    await collectUntil(areGone, "past flows are gone");

    expect(flows).toHaveLength(20);
    guard?.release();
  });

  it("hand over hand keeps nothing of its past either", async () => {
    const locks = [watched().m, watched().m] as const;
    const flows: WeakRef<Flow>[] = [];
    let guard = await locks[1].lock();
    for (let round = 0; round < 20; round++) {
      const next = await locks[round % 2 === 0 ? 0 : 1].lock();
      guard.release();
      guard = next;
      const flow = currentFlow();
      if (flow !== undefined) flows.push(new WeakRef(flow));
    }

    const areGone = (): boolean => flows.slice(0, -3).every((flow) => flow.deref() === undefined);
    await collectUntil(areGone, "past flows are gone");

    expect(flows).toHaveLength(20);
  });
});
