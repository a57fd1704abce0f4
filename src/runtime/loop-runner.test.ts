import { describe, expect, it } from "vitest";
import type { JobContext } from "../core/job-context.ts";
import { LOOP_BLOCKED_MS, LOOP_TURN_MS_MAX } from "../core/limits.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import { giveUp, retryIn } from "../core/verdict.ts";
import { aBody, someAttempts } from "../../test/runtime/job-builders.ts";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import { LoopRunner } from "./loop-runner.ts";

interface Body {
  readonly id: number;
  readonly context: JobContext;
  readonly end: PromiseWithResolvers<unknown>;
}

/**
 * A runner whose handlers go on until the test ends them. `handler` replaces them by one that does
 * as it likes.
 */
function aRunner({
  slots = 2,
  handler,
}: {
  readonly slots?: number;
  readonly handler?: (input: unknown, context: JobContext) => unknown;
} = {}) {
  const clock = new SteppedClock();
  const bodies: Body[] = [];
  const returned: { id: number; token: number; result: string | null }[] = [];
  const ended: { id: number; token: number; end: AttemptEnd }[] = [];
  const bodiesEnded: number[] = [];
  const blocked: { task: string; id: number; blockedMs: number }[] = [];
  const untilEnded = (input: unknown, context: JobContext): Promise<unknown> => {
    const end = Promise.withResolvers<unknown>();
    bodies.push({ id: (input as { id: number }).id, context, end });
    return end.promise;
  };
  const run = (input: unknown, context: never): unknown => (handler ?? untilEnded)(input, context);
  const runner = new LoopRunner({
    slots,
    tasks: new Map([["send", aBody(run, { timeoutMs: 1_000 })]]),
    ...{ clock, timers: clock },
    reports: {
      returned: (id, token, result) => returned.push({ id, token, result }),
      ended: (id, token, end) => ended.push({ id, token, end }),
      bodyEnded: (id) => bodiesEnded.push(id),
      blocked: (task, id, blockedMs) => blocked.push({ task, id, blockedMs }),
    },
    link: {
      progress: () => undefined,
      log: () => undefined,
      enqueue: async () => ({ id: "j_1" }),
      result: async () => undefined,
    },
  });
  const begun = (): number[] => bodies.map(({ id }) => id);
  const endBody = async (id: number, value?: unknown): Promise<void> => {
    bodies.find((body) => body.id === id)?.end.resolve(value);
    await clock.settle();
  };
  return { runner, clock, bodies, begun, endBody, returned, ended, bodiesEnded, blocked };
}

describe("the loop runner", () => {
  it("runs as many handlers at once as it has slots, in order", () => {
    const { runner, begun } = aRunner({ slots: 2 });

    runner.take([someAttempts([1, 2, 3])]);

    expect(begun()).toEqual([1, 2]);
    expect(runner.runningCount).toBe(2);
  });

  it("starts the next when one has ended", async () => {
    const { runner, begun, endBody } = aRunner({ slots: 1 });
    runner.take([someAttempts([1, 2])]);

    await endBody(1);

    expect(begun()).toEqual([1, 2]);
  });

  it("reports what a handler returned as JSON, and nothing for nothing", async () => {
    const { runner, endBody, returned } = aRunner({ slots: 2 });
    runner.take([someAttempts([1, 2])]);

    await endBody(1, { bytes: 7 });
    await endBody(2);

    expect(returned).toEqual([
      { id: 1, token: 1, result: '{"bytes":7}' },
      { id: 2, token: 1, result: null },
    ]);
  });

  it("reports a result that cannot be stored as a problem of a job that is done", async () => {
    const { runner, endBody, ended } = aRunner();
    runner.take([someAttempts([1])]);

    await endBody(1, 12n);

    expect(ended).toMatchObject([{ id: 1, end: { kind: "returned", result: null } }]);
    expect(ended[0]?.end).toHaveProperty("problem", expect.stringContaining("NOT_SERIALIZABLE"));
  });

  it.each([
    ["throws", () => Promise.reject(new Error("no luck")), { retryInMs: null, isFinal: false }],
    [
      "asks for a retry",
      () => Promise.reject(retryIn(7_000)),
      { retryInMs: 7_000, isFinal: false },
    ],
    ["gives up", () => Promise.reject(giveUp("no use")), { retryInMs: null, isFinal: true }],
    [
      "throws before its first await",
      () => {
        throw new Error("at once");
      },
      { retryInMs: null, isFinal: false },
    ],
  ])("reports a handler that %s", async (_what, handler, verdict) => {
    const { runner, clock, ended } = aRunner({ handler });

    runner.take([someAttempts([1])]);
    await clock.settle();

    expect(ended).toMatchObject([{ id: 1, token: 1, end: { kind: "threw", ...verdict } }]);
    expect(runner.runningCount).toBe(0);
  });

  it("takes a thenable for what it resolves to, once", async () => {
    const fickle = {
      // oxlint-disable-next-line unicorn/no-thenable -- the trap that this test is about.
      then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
        resolve("first");
        resolve("second");
        reject(new Error("third"));
      },
    };
    const { runner, clock, returned, ended } = aRunner({ handler: () => fickle });

    runner.take([someAttempts([1])]);
    await clock.settle();

    expect(returned).toEqual([{ id: 1, token: 1, result: '"first"' }]);
    expect(ended).toEqual([]);
    expect(runner.leakedCount).toBe(0);
  });

  it("hands back jobs of a task that it does not know", () => {
    const { runner, ended } = aRunner();

    runner.take([someAttempts([1], { task: "who" })]);

    expect(ended).toEqual([{ id: 1, token: 1, end: { kind: "unstarted" } }]);
  });

  it("counts attempts from 1", () => {
    const { runner, bodies } = aRunner();

    runner.take([someAttempts([1], { attempts: [3] })]);

    expect(bodies[0]?.context.attempt).toBe(4);
  });

  it("names what it holds, running or waiting, for an engine that takes over", () => {
    const { runner } = aRunner({ slots: 1 });

    runner.take([someAttempts([1, 2], { attempts: [0, 4] })]);

    expect(runner.held()).toMatchObject([
      { id: 1, token: 1, attempt: 1, task: "send", queue: "mail" },
      { id: 2, token: 1, attempt: 5, task: "send", queue: "mail" },
    ]);
  });

  it("knows which job's code runs, also after an await", async () => {
    const seen: unknown[] = [];
    const { runner, clock } = aRunner({
      handler: async () => {
        seen.push(runner.currentJob());
        await Promise.resolve();
        seen.push(runner.currentJob());
      },
    });

    runner.take([someAttempts([7])]);
    await clock.settle();

    expect(seen).toEqual([
      { task: "send", id: 7 },
      { task: "send", id: 7 },
    ]);
    expect(runner.currentJob()).toBeUndefined();
  });
});

describe("the loop runner's slices", () => {
  it("give the loop back when a turn has lasted long enough, and go on in the next", async () => {
    const started: number[] = [];
    const { runner, clock } = aRunner({
      slots: 100,
      handler: (input) => {
        started.push((input as { id: number }).id);
        clock.freeze(LOOP_TURN_MS_MAX);
      },
    });
    const ids = Array.from({ length: 20 }, (_, index) => index + 1);

    runner.take([someAttempts(ids)]);
    const startedInFirstTurn = started.length;
    await clock.settle();

    expect(startedInFirstTurn).toBeGreaterThan(0);
    expect(startedInFirstTurn).toBeLessThan(ids.length);
    expect(started).toEqual(ids);
  });

  it("start the next at once while the turn lasts", async () => {
    const { runner, begun, endBody } = aRunner({ slots: 1 });
    runner.take([someAttempts([1, 2])]);

    await endBody(1);

    expect(begun()).toEqual([1, 2]);
  });

  it("name a handler that holds the loop before its first await, with its time", () => {
    const { runner, blocked, clock } = aRunner({
      handler: () => clock.freeze(LOOP_BLOCKED_MS + 5),
    });

    runner.take([someAttempts([1])]);

    expect(blocked).toEqual([{ task: "send", id: 1, blockedMs: LOOP_BLOCKED_MS + 5 }]);
  });

  it("name nobody who is quick enough", () => {
    const { runner, blocked, clock } = aRunner({ handler: () => clock.freeze(LOOP_BLOCKED_MS) });

    runner.take([someAttempts([1])]);

    expect(blocked).toEqual([]);
  });
});

describe("a loop attempt at its deadline", () => {
  it("is settled as timed out, with a body that may run on, and its slot is free", async () => {
    const { runner, clock, begun, ended } = aRunner({ slots: 1 });
    runner.take([someAttempts([1, 2])]);

    await clock.advance(1_000);

    expect(ended).toMatchObject([{ id: 1, token: 1, end: { kind: "timedOut", bodyRunsOn: true } }]);
    expect(begun()).toEqual([1, 2]);
    expect(runner.leakedCount).toBe(1);
  });

  it("is not settled a moment before", async () => {
    const { runner, clock, ended } = aRunner();
    runner.take([someAttempts([1])]);

    await clock.advance(999);

    expect(ended).toEqual([]);
  });

  it("tells its handler by the signal, and its context stops working", async () => {
    const { runner, clock, bodies } = aRunner();
    runner.take([someAttempts([1])]);
    const context = bodies[0]?.context;
    const signal = context?.signal;

    await clock.advance(1_000);

    expect(signal?.aborted).toBe(true);
    expect(signal?.reason).toMatchObject({ code: "UNJAM_ATTEMPT_TIMEOUT" });
    expect(() => context?.progress(0.5)).toThrow(
      expect.objectContaining({ code: "UNJAM_LEASE_LOST" }),
    );
    await expect(context?.enqueue({ name: "send" }, {})).rejects.toMatchObject({
      code: "UNJAM_LEASE_LOST",
    });
  });

  it("reports its body when that ends after all, and nothing else of it", async () => {
    const { runner, clock, endBody, ended, returned, bodiesEnded } = aRunner();
    runner.take([someAttempts([1])]);
    await clock.advance(1_000);

    await endBody(1, "too late");

    expect(bodiesEnded).toEqual([1]);
    expect(ended).toHaveLength(1);
    expect(returned).toEqual([]);
    expect(runner.leakedCount).toBe(0);
  });

  it("does not disturb a retry that runs while the old body does", async () => {
    const { runner, clock, bodies, returned } = aRunner();
    runner.take([someAttempts([1])]);
    await clock.advance(1_000);
    runner.take([someAttempts([1], { tokens: [2], attempts: [1] })]);

    bodies[0]?.end.resolve("old");
    bodies[1]?.end.resolve("new");
    await clock.settle();

    expect(returned).toEqual([{ id: 1, token: 2, result: '"new"' }]);
    expect(runner.runningCount).toBe(0);
  });

  it("has a deadline of its own, from its own start", async () => {
    const { runner, clock, ended } = aRunner({ slots: 1 });
    runner.take([someAttempts([1, 2])]);

    await clock.advance(1_999);
    const endedBefore = ended.map(({ id }) => id);
    await clock.advance(1);

    expect(endedBefore).toEqual([1]);
    expect(ended.map(({ id }) => id)).toEqual([1, 2]);
  });

  it("keeps no timer once all attempts are over", async () => {
    const { runner, clock, endBody } = aRunner();
    runner.take([someAttempts([1])]);
    await endBody(1);

    await clock.advance(1_000);

    expect(clock.pendingCount).toBe(0);
  });
});

describe("a loop attempt that no longer counts", () => {
  it("is told why by its signal, frees its slot, and reports nothing", async () => {
    const { runner, bodies, begun, endBody, returned, ended, bodiesEnded } = aRunner({ slots: 1 });
    runner.take([someAttempts([1, 2])]);
    const signal = bodies[0]?.context.signal;

    runner.abort([{ id: 1, token: 1 }], "cancelled");
    await endBody(1, "late");

    expect(signal?.reason).toMatchObject({
      code: "UNJAM_LEASE_LOST",
      details: { reason: "it was cancelled" },
    });
    expect(begun()).toEqual([1, 2]);
    expect([returned, ended, bodiesEnded]).toEqual([[], [], []]);
    expect(runner.leakedCount).toBe(0);
  });

  it("never starts if it was still waiting for its slot", async () => {
    const { runner, begun, endBody } = aRunner({ slots: 1 });
    runner.take([someAttempts([1, 2, 3])]);

    runner.abort([{ id: 2, token: 1 }], "lost");
    await endBody(1);

    expect(begun()).toEqual([1, 3]);
  });

  it("is known by its token: a newer attempt of the job goes on", async () => {
    const { runner, begun, bodies, endBody } = aRunner({ slots: 1 });
    runner.take([someAttempts([1, 2], { tokens: [2, 2] })]);

    runner.abort(
      [
        { id: 1, token: 1 },
        { id: 2, token: 1 },
      ],
      "lost",
    );
    await endBody(1);

    expect(bodies[0]?.context.signal.aborted).toBe(false);
    expect(begun()).toEqual([1, 2]);
  });
});

describe("giving back", () => {
  it("hands back what has not begun and lets the rest run", async () => {
    const { runner, begun, endBody, ended, returned } = aRunner({ slots: 1 });
    runner.take([someAttempts([1, 2, 3])]);

    runner.giveBack();
    await endBody(1);

    expect(ended).toEqual([
      { id: 2, token: 1, end: { kind: "unstarted" } },
      { id: 3, token: 1, end: { kind: "unstarted" } },
    ]);
    expect(returned).toMatchObject([{ id: 1 }]);
    expect(begun()).toEqual([1]);
  });
});
