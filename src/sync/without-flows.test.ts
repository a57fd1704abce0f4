import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import type * as FlowModule from "./flow.ts";
import type * as MutexModule from "./mutex.ts";

/** The modules as a runtime without AsyncLocalStorage loads them. */
let modules: {
  readonly mutex: typeof MutexModule;
  readonly flow: typeof FlowModule;
};

beforeAll(async () => {
  vi.resetModules();
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
  modules = { mutex: await import("./mutex.ts"), flow: await import("./flow.ts") };
});

afterAll(() => {
  vi.restoreAllMocks();
  vi.resetModules();
});

describe("without AsyncLocalStorage", () => {
  it("a holder that waits for itself is told so at the deadline", async () => {
    const clock = new ManualClock();
    const ports = { clock, timers: clock, random: () => 0 };
    const m = new modules.mutex.Mutex({ name: "m", diagnostics: "full" }, ports);
    // Kept until the end: a guard that nobody has is collected, and its lock is free again.
    const guard = await m.lock();
    const refusal = m.lock({ waitMs: 50 }).catch((reason: unknown) => reason);

    await clock.advance(50);

    expect(await refusal).toMatchObject({
      code: "UNJAM_WAIT_TIMEOUT",
      details: { state: expect.stringContaining("without-flows.test.ts:") as string },
    });
    guard.release();
  });

  it("run() calls its function under the lock", async () => {
    const m = new modules.mutex.Mutex();

    expect(await Promise.all([m.run(() => m.isLocked), m.run(() => m.waiters)])).toEqual([true, 0]);
  });

  it("there is no current flow, also inside of one", async () => {
    const { Flow, runInFlow, currentFlow, enterFlow, canFollowFlows } = modules.flow;
    const flow = new Flow("a");

    enterFlow(flow);

    expect(await runInFlow(flow, async () => currentFlow())).toBeUndefined();
    expect(flow.isOver).toBe(true);
    expect(canFollowFlows).toBe(false);
  });
});
