import { afterEach, describe, expect, it, vi } from "vitest";
import { defaultSyncPorts, isDevelopment } from "./sync-ports.ts";

const { clock, timers, random } = defaultSyncPorts;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  vi.resetModules();
});

describe("the ports of the runtime", () => {
  it("call back after the time, and not when cancelled", async () => {
    const calls: string[] = [];
    timers.after(0, () => calls.push("cancelled")).cancel();

    await new Promise<void>((resolve) => timers.after(1, resolve));

    expect(calls).toEqual([]);
  });

  it("do not fire at once for what is longer than a timer can be", async () => {
    let isOver = false;
    const timer = timers.after(1e15, () => {
      isOver = true;
    });

    await new Promise<void>((resolve) => timers.after(2, resolve, { keepsAlive: true }));
    timer.cancel();

    expect(isOver).toBe(false);
  });

  it("call back soon, after the microtasks", async () => {
    const order: string[] = [];
    const soon = new Promise<void>((resolve) =>
      timers.soon(() => {
        order.push("soon");
        resolve();
      }),
    );
    await Promise.resolve().then(() => order.push("microtask"));

    await soon;

    expect(order).toEqual(["microtask", "soon"]);
  });

  it("hold the process open by timers unless told otherwise", () => {
    const held = vi.fn<() => void>();
    const before = process.getActiveResourcesInfo().length;
    const timer = timers.after(60_000, held);
    const loose = timers.after(60_000, held, { keepsAlive: false });

    const after = process.getActiveResourcesInfo().length;
    timer.cancel();
    loose.cancel();

    expect(after - before).toBe(1);
  });

  it("do not know fake timers that come later", async () => {
    vi.useFakeTimers();

    await new Promise<void>((resolve) => timers.after(1, resolve));
    await new Promise<void>((resolve) => timers.soon(resolve));

    expect(vi.getTimerCount()).toBe(0);
  });

  it("work where there is no setImmediate", async () => {
    vi.stubGlobal("setImmediate", undefined);
    vi.resetModules();
    const { defaultSyncPorts: others } = await import("./sync-ports.ts");

    await new Promise<void>((resolve) => others.timers.soon(resolve));

    expect(others).not.toBe(defaultSyncPorts);
  });

  it("give a time that does not go back, the date, and chance", () => {
    const first = clock.now();

    expect(clock.now()).toBeGreaterThanOrEqual(first);
    expect(clock.wallNow()).toBeGreaterThan(Date.UTC(2020, 0, 1));
    expect(random()).toBeLessThan(1);
  });
});

describe("a runtime without a process", () => {
  it("is not being developed", () => {
    vi.stubGlobal("process", undefined);

    expect(isDevelopment()).toBe(false);
  });
});
