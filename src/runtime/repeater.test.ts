import { describe, expect, it } from "vitest";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import { Repeater } from "./repeater.ts";

/** A repeater whose steps are ended, or made to fail, by the test. */
function aRepeater({ waitMs = 100, retryMs = 30 } = {}) {
  const clock = new SteppedClock();
  const startedAt: number[] = [];
  const began = clock.now();
  const errors: unknown[] = [];
  const steps: PromiseWithResolvers<number>[] = [];
  const repeater = new Repeater({
    name: "steps",
    step: () => {
      startedAt.push(clock.now() - began);
      const step = Promise.withResolvers<number>();
      steps.push(step);
      return step.promise;
    },
    timers: clock,
    retryMs,
    onError: (name, error) => errors.push([name, error]),
  });
  const endStep = async (): Promise<void> => {
    steps.at(-1)?.resolve(waitMs);
    await clock.settle();
  };
  const failStep = async (error: Error): Promise<void> => {
    steps.at(-1)?.reject(error);
    await clock.settle();
  };
  return { repeater, clock, startedAt, errors, endStep, failStep };
}

describe("a repeater", () => {
  it("steps at once when it is started", () => {
    const { repeater, startedAt } = aRepeater();

    repeater.start();

    expect(startedAt).toEqual([0]);
  });

  it("waits between two steps as long as the step says", async () => {
    const { repeater, clock, startedAt, endStep } = aRepeater({ waitMs: 100 });
    repeater.start();

    await endStep();
    await clock.advance(99);
    const countBefore = startedAt.length;
    await clock.advance(1);

    expect(countBefore).toBe(1);
    expect(startedAt).toEqual([0, 100]);
  });

  it("runs one step at a time, and waits from its end on", async () => {
    const { repeater, clock, startedAt, endStep } = aRepeater({ waitMs: 100 });
    repeater.start();

    await clock.advance(1_000);
    await endStep();
    await clock.advance(100);

    expect(startedAt).toEqual([0, 1_100]);
  });

  it("cuts its wait short when it is hurried", async () => {
    const { repeater, clock, startedAt, endStep } = aRepeater();
    repeater.start();
    await endStep();
    await clock.advance(10);

    repeater.now();

    expect(startedAt).toEqual([0, 10]);
    expect(clock.pendingCount).toBe(0);
  });

  it("that is hurried during a step steps again right after it, and once", async () => {
    const { repeater, clock, startedAt, endStep } = aRepeater();
    repeater.start();

    repeater.now();
    repeater.now();
    await endStep();
    await clock.advance(0);
    await endStep();
    await clock.advance(50);

    expect(startedAt).toEqual([0, 0]);
  });

  it("reports a step that fails, and tries again after retryMs", async () => {
    const { repeater, clock, startedAt, errors, failStep } = aRepeater({ retryMs: 30 });
    const error = new Error("no luck");
    repeater.start();

    await failStep(error);
    await clock.advance(30);

    expect(errors).toEqual([["steps", error]]);
    expect(startedAt).toEqual([0, 30]);
  });

  it("does not step when it is hurried before it was started", () => {
    const { repeater, startedAt } = aRepeater();

    repeater.now();

    expect(startedAt).toEqual([]);
  });

  it("never starts once it was stopped", async () => {
    const { repeater, startedAt } = aRepeater();
    await repeater.stop(new AbortController().signal);

    repeater.start();

    expect(startedAt).toEqual([]);
  });
});
