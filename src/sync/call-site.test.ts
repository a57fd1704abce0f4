import { afterEach, describe, expect, it, vi } from "vitest";
import { SITES_BURST_MAX, SITES_PER_MS_MAX } from "../core/limits.ts";
import { CallSite, type Diagnostics, SiteSampler } from "./call-site.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

function aSampler(diagnostics?: Diagnostics): {
  readonly sampler: SiteSampler;
  readonly pass: (ms: number) => void;
} {
  let now = 0;
  const clock = { now: () => now, wallNow: () => 0 };
  const pass = (ms: number): void => {
    now += ms;
  };
  return { sampler: new SiteSampler(diagnostics, clock), pass };
}

function countOf(times: number, take: () => CallSite | undefined): number {
  return Array.from({ length: times }, take).filter((site) => site !== undefined).length;
}

describe("a call site", () => {
  it("names file, line and function", () => {
    function takeOrder(): CallSite {
      return CallSite.capture();
    }

    expect(String(takeOrder())).toMatch(/^call-site\.test\.ts:\d+ in takeOrder$/);
  });

  it("names no function where there is none", () => {
    const [site] = [() => CallSite.capture()].map((take) => take());

    expect(JSON.stringify(site)).toMatch(/^"call-site\.test\.ts:\d+"$/);
  });

  it("begins at the caller of the function that it was asked to leave out", () => {
    function ours(): CallSite {
      return CallSite.capture(ours);
    }
    function theirs(): CallSite {
      return ours();
    }

    expect(String(theirs())).toMatch(/ in theirs$/);
  });

  it("leaves the runtime's own settings as they were", () => {
    const settings = (): readonly unknown[] =>
      ["stackTraceLimit", "prepareStackTrace"].map((name) => Reflect.get(Error, name) as unknown);
    const before = settings();

    String(CallSite.capture());

    expect(settings()).toEqual(before);
  });

  it.each([
    ["gives no stacks", "captureStackTrace", undefined],
    [
      "gives stacks as text",
      "captureStackTrace",
      (holder: { stack?: unknown }) => {
        holder.stack = "takeOrder@server.js:31";
      },
    ],
  ])("is unknown in a runtime that %s", (_what, name, value) => {
    const before: unknown = Reflect.get(Error, name);
    Reflect.set(Error, name, value);
    try {
      const site = CallSite.capture(undefined, "sampled");
      expect([String(site), site.words]).toEqual(["an unknown place", "an unknown place"]);
    } finally {
      Reflect.set(Error, name, before);
    }
  });
});

describe("diagnostics", () => {
  it("note every call when full, and none when off", () => {
    const full = aSampler("full").sampler;
    const off = aSampler("off").sampler;

    expect(countOf(1_000, () => full.sample())).toBe(1_000);
    expect(countOf(10, () => off.sample() ?? off.capture())).toBe(0);
    expect([full.isOff, off.isOff]).toEqual([false, true]);
  });

  it("note a burst, and then so many a millisecond, when sampled", () => {
    const { sampler, pass } = aSampler("sampled");

    const atOnce = countOf(1_000, () => sampler.sample());
    pass(2);
    const later = countOf(1_000, () => sampler.sample());
    pass(1_000_000);
    const muchLater = countOf(1_000, () => sampler.sample());

    expect([atOnce, later, muchLater]).toEqual([
      SITES_BURST_MAX,
      2 * SITES_PER_MS_MAX,
      SITES_BURST_MAX,
    ]);
  });

  it("count calls that wait apart from those that pass", () => {
    const { sampler } = aSampler("sampled");
    countOf(1_000, () => sampler.sample());

    expect(sampler.capture()).toBeDefined();
  });

  it.each([
    ["development", 1_000],
    ["production", SITES_BURST_MAX],
    [undefined, SITES_BURST_MAX],
  ])("with NODE_ENV %s note %i of 1000 calls by default", (mode, count) => {
    vi.stubEnv("NODE_ENV", mode);
    const { sampler } = aSampler();

    expect(countOf(1_000, () => sampler.sample())).toBe(count);
  });
});
