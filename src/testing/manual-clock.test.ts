import { describe, expect, it, vi } from "vitest";
import { ManualClock } from "./manual-clock.ts";

describe("a manual clock", () => {
  it("stands still until it is moved", async () => {
    const clock = new ManualClock({ startAt: 1_000 });
    const before = clock.now();

    await clock.rest();

    expect([clock.wallNow(), clock.now() - before]).toEqual([1_000, 0]);
  });

  it("shows the machine's date when it is not told another", () => {
    const before = Date.now();

    const clock = new ManualClock();

    expect(clock.wallNow()).toBeGreaterThanOrEqual(before);
    expect(clock.wallNow()).toBeLessThanOrEqual(Date.now());
  });

  it("runs timers at their time and in their order, also those set on the way", async () => {
    const clock = new ManualClock({ startAt: 0 });
    const seen: string[] = [];
    const note = (name: string) => (): void => void seen.push(`${name} at ${clock.wallNow()}`);
    clock.after(30, note("third"));
    clock.after(10, () => {
      note("first")();
      clock.after(10, note("second"));
    });
    clock.after(31, note("too late"));

    await clock.advance(30);

    expect(seen).toEqual(["first at 10", "second at 20", "third at 30"]);
  });

  it("does not run a timer that was cancelled on the way", async () => {
    const clock = new ManualClock();
    const run = vi.fn<() => void>();
    const timer = clock.after(20, run);
    clock.after(10, () => timer.cancel());

    await clock.advance(30);

    expect(run).not.toHaveBeenCalled();
  });

  it("lets everything that follows from one timer come to rest before the next", async () => {
    const clock = new ManualClock();
    const seen: string[] = [];
    clock.after(1, () => {
      clock.soon(() => {
        void Promise.resolve().then(() => clock.soon(() => seen.push("follows")));
      });
    });
    clock.after(2, () => seen.push("next"));

    await clock.advance(2);

    expect(seen).toEqual(["follows", "next"]);
  });

  it("makes overlapping moves one after the other", async () => {
    const clock = new ManualClock({ startAt: 0 });

    await Promise.all([clock.advance(10), clock.advance(5)]);

    expect(clock.wallNow()).toBe(15);
  });

  it("leaves out rounds of regular duties that would find nothing", async () => {
    const clock = new ManualClock();
    let rounds = 0;
    const round = (): void => {
      rounds++;
      clock.after(100, round, { repeats: true });
    };
    round();

    await clock.advance(86_400_000);

    expect(rounds).toBe(2);
  });

  it("takes steps of a second while somebody is busy", async () => {
    const clock = new ManualClock({ startAt: 0 });
    const rounds: number[] = [];
    const round = (): void => {
      rounds.push(clock.wallNow());
      clock.after(100, round, { repeats: true });
    };
    clock.follow({ isBusy: () => Promise.resolve(true), nextInstant: () => null });
    round();

    await clock.advance(3_500);

    expect(rounds).toEqual([0, 1_000, 2_000, 3_000, 3_500]);
  });

  it("stops at an instant that matters, and looks again soon after", async () => {
    const clock = new ManualClock({ startAt: 0 });
    const rounds: number[] = [];
    const round = (): void => {
      rounds.push(clock.wallNow());
      clock.after(300, round, { repeats: true });
    };
    clock.follow({
      isBusy: () => Promise.resolve(false),
      nextInstant: (now) => (now < 5_000 ? 5_000 : null),
    });
    round();

    await clock.advance(60_000);

    expect(rounds).toEqual([0, 5_000, 6_000, 7_000, 60_000]);
  });

  it("goes on under fake timers of the test runner", async () => {
    vi.useFakeTimers();
    const clock = new ManualClock();
    const run = vi.fn<() => void>();
    clock.after(10, run);

    await clock.advance(10).finally(() => vi.useRealTimers());

    expect(run).toHaveBeenCalledOnce();
  });

  it.each([[-1], [Number.NaN], [1e15]])("refuses to move by %s", async (ms) => {
    const clock = new ManualClock();

    await expect(clock.advance(ms)).rejects.toMatchObject({ code: "UNJAM_INVALID_OPTION" });
  });

  it("refuses a date that is none", () => {
    expect(() => new ManualClock({ startAt: new Date("never") })).toThrow(
      expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
    );
  });
});
