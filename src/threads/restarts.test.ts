import { describe, expect, it } from "vitest";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import { RESTARTS_MAX, RESTARTS_PER_MS } from "../core/limits.ts";
import { type Death, Restarts } from "./restarts.ts";

/** So many deaths of one kind, and what was said of the last. */
function after(count: number, death: Death, restarts = new Restarts(new SteppedClock())) {
  for (let index = 1; index < count; index++) restarts.died(death);
  return restarts.died(death);
}

describe("restarts", () => {
  it.each(["under nothing", "under work"] as const)(
    "after deaths %s are allowed up to a bound, later and later",
    (death) => {
      expect(after(1, death)).toEqual({ isAllowed: true, count: 1, backOffMs: 0 });
      expect(after(4, death)).toEqual({ isAllowed: true, count: 4, backOffMs: 100 });
      expect(after(RESTARTS_MAX, death).isAllowed).toBe(true);
      expect(after(RESTARTS_MAX + 1, death)).toMatchObject({
        ...{ isAllowed: false, count: RESTARTS_MAX + 1 },
      });
    },
  );

  it("are allowed at once and without end where the work has paid", () => {
    expect(after(5 * RESTARTS_MAX, "paid")).toEqual({ isAllowed: true, count: 0, backOffMs: 0 });
  });

  it("after deaths under work count anew once other work comes through", () => {
    const restarts = new Restarts(new SteppedClock());
    after(RESTARTS_MAX, "under work", restarts);

    restarts.cameThrough();

    expect(restarts.died("under work")).toMatchObject({ isAllowed: true, count: 1 });
  });

  it("after deaths under nothing are excused by no work", () => {
    const restarts = new Restarts(new SteppedClock());
    after(RESTARTS_MAX, "under nothing", restarts);

    restarts.cameThrough();

    expect(restarts.died("under nothing").isAllowed).toBe(false);
  });

  it("count each kind of death for itself", () => {
    const restarts = new Restarts(new SteppedClock());
    after(RESTARTS_MAX, "under nothing", restarts);

    expect(after(RESTARTS_MAX, "under work", restarts).isAllowed).toBe(true);
  });

  it("are never allowed again once they were too many", async () => {
    const clock = new SteppedClock();
    const restarts = new Restarts(clock);
    after(RESTARTS_MAX + 1, "under nothing", restarts);

    await clock.advance(2 * RESTARTS_PER_MS);

    expect(restarts.died("paid").isAllowed).toBe(false);
    expect(restarts.died("under nothing").isAllowed).toBe(false);
  });
});
