import { describe, expect, it } from "vitest";
import { IntakeStage } from "../../test/runtime/intake-stage.ts";

describe("an intake whose queue is full", () => {
  it("knows who waits for room, and since when the first does, also while he tries", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    const { clock } = stage.stage;
    await stage.enqueue();
    const waiters = (): [count: number, since: number | undefined] => [
      stage.intake.waiterCountOf("mail"),
      stage.intake.waitingSinceOf("mail"),
    ];
    const none = waiters();
    const since = clock.now();
    await stage.enqueue({ waitMs: 10_000 });
    await clock.advance(500);
    const last = await stage.enqueue({ whenFull: { retry: aBackoff }, waitMs: 10_000 });

    const before = waiters();
    stage.intake.roomFreed("mail");
    const trying = waiters();

    expect(none).toEqual([0, undefined]);
    expect(before).toEqual([2, since]);
    expect(trying).toEqual(before);
    expect(stage.intake.parkedBatches).toContain(last);
    expect(stage.waiterCounts).toEqual([1, 2]);
    expect(stage.turnedAwayCount).toBe(0);
  });

  it("says so when somebody waits no more: at his deadline, with room, and at the close", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    await stage.enqueue({ waitMs: 100 });
    await stage.stage.clock.advance(100);
    await stage.enqueue({ waitMs: 10_000 });

    stage.intake.close();

    expect(stage.waiterCounts).toEqual([1, 0, 1, 0]);
  });

  it("says so when it turns somebody away: at once, at his deadline, or by dropping a job", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();

    await stage.enqueue({ whenFull: "reject" });
    const atOnce = stage.turnedAwayCount;
    await stage.enqueue({ waitMs: 100 });
    await stage.stage.clock.advance(100);
    const late = stage.turnedAwayCount;
    await stage.enqueue({ whenFull: "drop-newest" });

    expect([atOnce, late, stage.turnedAwayCount]).toEqual([1, 2, 3]);
  });
});

const aBackoff = { firstMs: 5_000, factor: 1, maxMs: 5_000, jitter: 0 };
