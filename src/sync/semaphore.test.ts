import { beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { Semaphore } from "./semaphore.ts";
import type { SyncPorts } from "./sync-ports.ts";

let clock: ManualClock;
let ports: SyncPorts;

beforeEach(() => {
  clock = new ManualClock();
  ports = { clock, timers: clock, random: () => 0.5 };
});

describe("a semaphore", () => {
  it("lets so many in as it has permits", async () => {
    const s = new Semaphore(2, { name: "s" }, ports);
    let insideCount = 0;
    let insideMax = 0;

    await Promise.all(
      Array.from({ length: 10 }, () =>
        s.run(async () => {
          insideMax = Math.max(insideMax, ++insideCount);
          await clock.rest();
          insideCount--;
        }),
      ),
    );

    expect([insideMax, s.free]).toEqual([2, 2]);
  });

  it("lends and takes back any number of permits in one turn, also last first", () => {
    const permits = 20_000;
    const s = new Semaphore(permits, { diagnostics: "full" }, ports);
    const guards = Array.from({ length: permits }, () => s.tryLock());

    for (const guard of guards.toReversed()) guard?.release();
    s.tryLock()?.release();

    expect(s.free).toBe(permits);
  });

  it("counts free permits, waiters and holders", async () => {
    const s = new Semaphore(2, {}, ports);
    const guard = await s.lock();
    const other = s.tryLock();
    void s.lock({ waitMs: Infinity });

    expect([s.free, s.waiters, s.holders().length, s.tryLock()]).toEqual([0, 1, 2, undefined]);
    guard.release();
    other?.release();
  });

  it("names its first holders to who came too late", async () => {
    const s = new Semaphore(5, {}, ports);
    // Kept until the end: a guard that nobody has is collected, and its permit is free again.
    const guards = Array.from({ length: 5 }, () => s.tryLock());
    const late = s.lock({ waitMs: 1 });
    const refusal = late.catch((reason: unknown) => reason);

    await clock.advance(1);

    expect(await refusal).toMatchObject({
      details: {
        what: "the wait for a semaphore",
        state: expect.stringMatching(
          /^held by (?:.+ for 1 ms, ){2}.+ for 1 ms and 2 more$/,
        ) as string,
      },
    });
    expect(guards).not.toContain(undefined);
  });

  it.each([0, 1.5, -1, Number.NaN, Infinity, "2"])("cannot have %s permits", (permits) => {
    expect(() => new Semaphore(permits as number)).toThrow(
      expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
    );
  });

  it("refuses to run what is not a function", async () => {
    const s = new Semaphore(1, {}, ports);

    await expect(s.run(undefined as never, { waitMs: 5 })).rejects.toMatchObject({
      code: "UNJAM_INVALID_OPTION",
    });
  });

  it("tells of guards that were lost and of nothing else", () => {
    const s = new Semaphore(1, {}, ports);

    expect(() => s.on("lost" as never, () => undefined)).toThrow(
      expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
    );
    expect(s.on("guard-lost", () => undefined)).toBeTypeOf("function");
  });

  it("refuses an unknown option", async () => {
    const options = { nam: "s" } as never;

    expect(() => new Semaphore(1, options)).toThrow(
      expect.objectContaining({ code: "UNJAM_UNKNOWN_OPTION" }),
    );
    await expect(new Semaphore(1).lock({ wait: 1 } as never)).rejects.toMatchObject({
      code: "UNJAM_UNKNOWN_OPTION",
    });
  });
});
