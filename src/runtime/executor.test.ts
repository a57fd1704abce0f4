import { describe, expect, it } from "vitest";
import { InvariantViolation } from "../core/invariant.ts";
import { PREFETCH_JOBS_MAX } from "../core/limits.ts";
import { aClaimedJob, someFacts } from "../../test/runtime/job-builders.ts";
import { aLane } from "../../test/runtime/store-stage.ts";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import { Executor } from "./executor.ts";

function anExecutor({ slots = 2 } = {}) {
  const clock = new SteppedClock();
  const loop = aLane({ name: "loop", slots });
  const threads = aLane({ name: "thread", slots });
  const tasks = [someFacts(), someFacts({ name: "crunch", runs: "thread" })];
  return { executor: new Executor(clock, tasks, [loop, threads]), clock, loop, threads };
}

describe("the executor", () => {
  it("hands jobs to their lane and counts them as held", () => {
    const { executor, loop } = anExecutor({ slots: 2 });

    executor.start(loop, [aClaimedJob({ id: 1 }), aClaimedJob({ id: 2 })]);

    expect(loop.started).toEqual([1, 2]);
    expect(executor.room(loop)).toBe(0);
    expect(executor.attemptCount).toBe(2);
  });

  it("has room for more once an attempt has ended", () => {
    const { executor, loop } = anExecutor({ slots: 1 });
    executor.start(loop, [aClaimedJob()]);

    const ended = executor.ended({ id: 1, token: 1 }, "returned");

    expect(ended?.job.id).toBe(1);
    expect(executor.room(loop)).toBe(1);
  });

  it("counts an end once, however often it is told", () => {
    const { executor, loop } = anExecutor({ slots: 1 });
    executor.start(loop, [aClaimedJob()]);
    executor.ended({ id: 1, token: 1 }, "returned");

    const again = executor.ended({ id: 1, token: 1 }, "returned");

    expect(again).toBeUndefined();
    expect(executor.room(loop)).toBe(1);
  });

  it("takes no end from an attempt with an older token", () => {
    const { executor, loop } = anExecutor();
    executor.start(loop, [aClaimedJob({ token: 2 })]);

    const ended = executor.ended({ id: 1, token: 1 }, "returned");

    expect(ended).toBeUndefined();
    expect(executor.attemptCount).toBe(1);
  });

  it("tells a lane to stop what no longer counts, and frees its place", () => {
    const { executor, loop } = anExecutor({ slots: 1 });
    executor.start(loop, [aClaimedJob()]);

    executor.abort([{ id: 1, token: 1 }], "lost");

    expect(loop.aborted).toMatchObject([{ id: 1, token: 1, reason: "lost" }]);
    expect(executor.room(loop)).toBe(1);
  });

  it("stops nothing for a lease that is not held here", () => {
    const { executor, loop } = anExecutor();
    executor.start(loop, [aClaimedJob({ token: 2 })]);

    executor.abort(
      [
        { id: 1, token: 1 },
        { id: 9, token: 1 },
      ],
      "lost",
    );

    expect(loop.aborted).toEqual([]);
  });

  it("stops the old attempt of a job that it is given again, and counts one place", () => {
    const { executor, loop } = anExecutor({ slots: 2 });
    executor.start(loop, [aClaimedJob({ token: 1 })]);

    executor.start(loop, [aClaimedJob({ token: 2 })]);

    expect(loop.aborted).toMatchObject([{ id: 1, token: 1, reason: "lost" }]);
    expect(loop.started).toEqual([1, 1]);
    expect(executor.room(loop)).toBe(1);
  });

  it("claims ahead what a lane will finish soon, at its measured rate", async () => {
    const { executor, clock, loop } = anExecutor({ slots: 2 });
    await finishOnePerMs({ executor, clock, loop }, 100);

    const room = executor.room(loop);

    expect(room).toBeGreaterThan(20);
    expect(room).toBeLessThanOrEqual(2 + 30);
  });

  it("never claims ahead more than the limit", () => {
    const { executor, clock, loop } = anExecutor({ slots: 2 });

    for (let window = 0; window < 20; window++) {
      const jobs = Array.from({ length: 1_000 }, (_, id) => aClaimedJob({ id: id + 1 }));
      executor.start(loop, jobs);
      for (const { id, token } of jobs) executor.ended({ id, token }, "returned");
      clock.freeze(10);
      executor.start(loop, [aClaimedJob()]);
      executor.ended({ id: 1, token: 1 }, "returned");
    }

    expect(executor.room(loop)).toBe(2 + PREFETCH_JOBS_MAX);
  });

  it("counts what was given back unstarted as no completion", async () => {
    const { executor, clock, loop } = anExecutor({ slots: 2 });

    for (let round = 0; round < 100; round++) {
      clock.freeze(1);
      executor.start(loop, [aClaimedJob()]);
      executor.ended({ id: 1, token: 1 }, "unstarted");
    }

    expect(executor.room(loop)).toBe(2);
  });

  it("takes over the attempts of an engine that died without starting them again", () => {
    const { executor, loop, threads } = anExecutor({ slots: 2 });

    executor.adopt([aClaimedJob({ id: 1 }), aClaimedJob({ id: 2, task: "crunch" })]);

    expect([loop.started, threads.started]).toEqual([[], []]);
    expect([executor.room(loop), executor.room(threads)]).toEqual([1, 1]);
    expect(executor.ended({ id: 2, token: 1 }, "returned")?.lane).toBe(threads);
  });

  it("gives a closed lane nothing more", () => {
    const { executor, loop, threads } = anExecutor();

    executor.closeLane("thread");

    expect(executor.room(threads)).toBe(0);
    expect(executor.room(loop)).toBe(2);
  });

  it("takes it for a bug when a job of an unknown task is claimed", () => {
    const { executor, loop } = anExecutor();

    expect(() => executor.start(loop, [aClaimedJob({ task: "who" })])).toThrow(InvariantViolation);
  });
});

/** A steady stream of short attempts. */
async function finishOnePerMs(
  { executor, clock, loop }: Pick<ReturnType<typeof anExecutor>, "executor" | "clock" | "loop">,
  count: number,
): Promise<void> {
  for (let id = 1; id <= count; id++) {
    executor.start(loop, [aClaimedJob({ id })]);
    clock.freeze(1);
    executor.ended({ id, token: 1 }, "returned");
  }
}
