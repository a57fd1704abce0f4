import { describe, expect, it } from "vitest";
import { parseErrorRecord } from "../core/error-record.ts";
import type { ErrorRecord } from "../core/errors.ts";
import {
  ABORT_ACK_MS,
  ABORT_GRACE_MS,
  HEARD_MS,
  LOCATE_MS_MAX,
  SPARE_LEAD_MS,
  TERMINATE_MS_MAX,
} from "../core/limits.ts";
import { CrewStage } from "../../test/runtime/crew-stage.ts";

describe("the kill ladder", () => {
  it("warms a spare thread at four fifths of the deadline, and tells nobody yet", async () => {
    const stage = CrewStage.running([1]);

    await stage.clock.advance(799);
    const countBefore = stage.threads.length;
    await stage.clock.advance(1);

    expect(countBefore).toBe(1);
    expect(stage.threads).toHaveLength(2);
    expect(stage.thread(1).abortReasons).toEqual([]);
  });

  it("warms one spare, however many attempts come near their deadlines", async () => {
    const stage = CrewStage.running([1, 2, 3], { size: 3 });

    await stage.clock.advance(900);

    expect(stage.threads).toHaveLength(4);
  });

  it("tells the handler to stop at the deadline", async () => {
    const stage = CrewStage.running([1]);

    await stage.clock.advance(999);
    const before = stage.thread(1).abortReasons;
    await stage.clock.advance(1);

    expect(before).toEqual([]);
    expect(stage.thread(1).abortReasons).toEqual(["timeout"]);
  });

  it("ends a thread that does not even take the message, and settles its job as timed out", async () => {
    const stage = CrewStage.running([1]);

    await stage.clock.advance(1_000 + ABORT_ACK_MS - 1);
    const wasEndedBefore = stage.thread(1).isBeingEnded;
    await stage.clock.advance(1);

    expect(wasEndedBefore).toBe(false);
    expect(stage.thread(1).isBeingEnded).toBe(true);
    expect(stage.ends).toEqual([[1, "timedOut"]]);
  });

  it("starts the next job on the spare before the old thread is gone", async () => {
    const stage = CrewStage.running([1, 2]);
    await stage.clock.advance(800);
    stage.thread(2).ready();

    await stage.clock.advance(200 + ABORT_ACK_MS);

    expect(stage.thread(2).job.id).toBe(2);
    expect(stage.thread(1).isBeingEnded).toBe(true);
  });

  it("gives a handler that took the message its grace", async () => {
    const stage = CrewStage.running([1]);
    await stage.clock.advance(1_000);
    stage.thread(1).acknowledges();

    await stage.clock.advance(ABORT_GRACE_MS - 1);
    const wasEndedBefore = stage.thread(1).isBeingEnded;
    await stage.clock.advance(1);

    expect(wasEndedBefore).toBe(false);
    expect(stage.thread(1).isBeingEnded).toBe(true);
    expect(stage.ends).toEqual([[1, "timedOut"]]);
  });

  it("takes what a handler throws in its grace for its way of stopping, and keeps the thread", async () => {
    const stage = CrewStage.running([1]);
    await stage.clock.advance(1_000);
    stage.thread(1).acknowledges();

    stage.thread(1).ends({ kind: "threw", error: "{}", retryInMs: null, isFinal: false });
    await stage.clock.advance(ABORT_GRACE_MS);
    stage.run(2);

    expect(stage.ends).toEqual([[1, "timedOut"]]);
    expect(stage.thread(1).isBeingEnded).toBe(false);
    expect(stage.thread(1).job.id).toBe(2);
  });

  it("takes a result that comes in the grace", async () => {
    const stage = CrewStage.running([1]);
    await stage.clock.advance(1_000);
    stage.thread(1).acknowledges();

    stage.thread(1).ends({ kind: "returned", result: "1", problem: null });

    expect(stage.ends).toEqual([[1, "returned"]]);
  });

  it("ignores what a thread says that is being ended", async () => {
    const stage = CrewStage.running([1]);
    await stage.clock.advance(1_000 + ABORT_ACK_MS);

    stage.thread(1).ends();

    expect(stage.ends).toEqual([[1, "timedOut"]]);
  });

  it("says when a thread cannot be ended, and has left it behind by then", async () => {
    const stage = CrewStage.running([1, 2]);
    await stage.clock.advance(1_000 + ABORT_ACK_MS);
    stage.thread(2).ready();
    const eventsBefore = stage.eventNames;

    await stage.clock.advance(TERMINATE_MS_MAX);

    expect(eventsBefore).toEqual(["replaced"]);
    expect(JSON.stringify(stage.sent.at(-1))).toContain("native code");
    expect(stage.thread(2).job.id).toBe(2);
  });

  it("says nothing more of a thread that was ended in time", async () => {
    const stage = CrewStage.running([1]);
    await stage.clock.advance(1_000 + ABORT_ACK_MS);
    stage.thread(1).dies();

    await stage.clock.advance(TERMINATE_MS_MAX);

    expect(stage.eventNames).toEqual(["replaced"]);
  });

  it("makes only the guilty job pay: what waits in line was never on the thread", async () => {
    const stage = CrewStage.running([1, 2, 3]);
    await stage.clock.advance(1_000 + ABORT_ACK_MS);
    stage.thread(2).ready();
    stage.thread(2).ends();
    stage.thread(2).ends();

    expect(stage.ends).toEqual([
      [1, "timedOut"],
      [2, "returned"],
      [3, "returned"],
    ]);
  });

  it("leaves no timer behind when all handlers end in time", async () => {
    const stage = CrewStage.running([1]);

    stage.thread(1).ends();

    expect(stage.clock.pendingCount).toBe(0);
  });
});

describe("a late attempt, of which it is asked where it is", () => {
  const stuck = { native: false, isAwaiting: false, stack: "    at here" } as const;

  /** Job 1 is late, on a thread that answers when the test says; job 2 waits in line. */
  async function late(afterMs: number) {
    const answer = Promise.withResolvers<typeof stuck>();
    const asked: number[] = [];
    const locate = (osThread: number): Promise<typeof stuck> => {
      asked.push(osThread);
      return answer.promise;
    };
    const stage = CrewStage.running([1, 2], { locate });
    await stage.clock.advance(900);
    stage.thread(2).ready();
    await stage.clock.advance(100 + afterMs);
    return { stage, asked, answer: (): void => answer.resolve(stuck) };
  }

  it("is asked once it has had time to hear, and its thread by its number in the system", async () => {
    const { stage, asked } = await late(HEARD_MS - 1);
    const askedBefore = [...asked];

    await stage.clock.advance(ABORT_ACK_MS);

    expect(askedBefore).toEqual([]);
    expect(asked).toEqual([71]);
  });

  it("has lost its place by then as ever, also when no answer has come", async () => {
    const { stage } = await late(ABORT_ACK_MS);

    expect(stage.thread(2).job.id).toBe(2);
    expect(stage.eventNames).toEqual(["replaced"]);
    expect(stage.thread(1).isBeingEnded).toBe(false);
    expect(stage.ends).toEqual([]);
    expect(stage.crew.held().map(({ id }) => id)).toEqual([1, 2]);
  });

  it("is reported with the answer, and its thread ended with that", async () => {
    const { stage, answer } = await late(ABORT_ACK_MS);

    answer();
    await stage.clock.settle();

    expect(stage.thread(1).isBeingEnded).toBe(true);
    expect(stage.ends).toEqual([[1, "timedOut"]]);
    expect(reported(stage)).toMatchObject({ details: { runs: "thread", stuck } });
    expect(reported(stage).cause?.stack).toContain("at here");
  });

  it("keeps its thread as long as it may, when the answer comes early", async () => {
    const { stage, answer } = await late(HEARD_MS);

    answer();
    await stage.clock.settle();

    expect(stage.thread(1).isBeingEnded).toBe(false);
    expect(stage.ends).toEqual([]);
  });

  it("is ended without an answer after a while", async () => {
    const { stage } = await late(LOCATE_MS_MAX);

    expect(stage.thread(1).isBeingEnded).toBe(true);
    expect(reported(stage)).toMatchObject({ details: { stuck: null } });
  });

  it("is not asked when its loop has heard: it waits for something", async () => {
    const { stage, asked } = await late(0);

    stage.thread(1).acknowledges();
    await stage.clock.advance(ABORT_GRACE_MS);

    expect(asked).toEqual([]);
    expect(reported(stage)).toMatchObject({ details: { stuck: { isAwaiting: true } } });
  });

  it("that hears in time is not stuck, wherever its thread was found", async () => {
    const { stage, answer } = await late(HEARD_MS);

    answer();
    await stage.clock.settle();
    stage.thread(1).acknowledges();
    await stage.clock.advance(ABORT_GRACE_MS);

    expect(reported(stage)).toMatchObject({ details: { stuck: { isAwaiting: true } } });
  });

  it("that hears in time is so, also when the answer comes later", async () => {
    const { stage, answer } = await late(HEARD_MS);

    stage.thread(1).acknowledges();
    answer();
    await stage.clock.advance(ABORT_GRACE_MS);

    expect(reported(stage)).toMatchObject({ details: { stuck: { isAwaiting: true } } });
  });

  it("that hears only when another has its place is ended with the answer all the same", async () => {
    const { stage, answer } = await late(ABORT_ACK_MS);

    stage.thread(1).acknowledges();
    answer();
    await stage.clock.settle();

    expect(stage.thread(1).isBeingEnded).toBe(true);
    expect(reported(stage)).toMatchObject({ details: { stuck } });
  });

  it("has its result taken when that comes before the answer, and its thread ends with it", async () => {
    const { stage, answer } = await late(ABORT_ACK_MS);

    stage.thread(1).ends();
    answer();
    await stage.clock.settle();

    expect(stage.ends).toEqual([[1, "returned"]]);
    expect(stage.thread(1).isBeingEnded).toBe(true);
    expect(stage.clock.pendingCount).toBe(1);
  });

  it("is late, and not lost, when its thread dies before it answers", async () => {
    const { stage, answer } = await late(ABORT_ACK_MS);

    stage.thread(1).dies("it exited with code 3");
    answer();
    await stage.clock.advance(LOCATE_MS_MAX);

    expect(stage.ends).toEqual([[1, "timedOut"]]);
    expect(stage.eventNames).toEqual(["replaced"]);
    expect(stage.threads).toHaveLength(2);
  });

  it("is ended with its crew", async () => {
    const { stage } = await late(ABORT_ACK_MS);

    void stage.crew.close();
    await stage.clock.advance(TERMINATE_MS_MAX);

    expect(stage.threads.every(({ isBeingEnded }) => isBeingEnded)).toBe(true);
    expect(stage.ends).toEqual([]);
  });

  it("is not asked when it was cancelled: nobody is told", async () => {
    const { stage, asked } = await late(-1);

    stage.crew.receive({
      ...{ type: "abort", leases: [{ id: 1, token: 1 }], reason: "cancelled" },
    });
    await stage.clock.advance(ABORT_ACK_MS);

    expect(asked).toEqual([]);
    expect(stage.thread(1).isBeingEnded).toBe(true);
    expect(stage.ends).toEqual([]);
  });
});

/** The error that was reported last. */
function reported({ sent }: CrewStage): ErrorRecord {
  const end = sent.flatMap((message) => (message.type === "ends" ? message.ends : [])).at(-1)?.end;
  if (end?.kind !== "timedOut") throw new Error("no attempt was reported as late");
  return parseErrorRecord(end.error);
}

describe("an attempt of little time", () => {
  it("has its spare at once: a thread takes longer to start", () => {
    const stage = CrewStage.running([1], { facts: { timeoutMs: SPARE_LEAD_MS } });

    expect(stage.threads).toHaveLength(2);
    expect(stage.thread(2).posted).toEqual([]);
  });
});

describe("an attempt on a thread that no longer counts", () => {
  const cancel = { type: "abort", leases: [{ id: 1, token: 1 }], reason: "cancelled" } as const;

  it("is told so, and reports nothing", () => {
    const stage = CrewStage.running([1]);

    stage.crew.receive(cancel);
    stage.thread(1).acknowledges();
    stage.thread(1).ends();

    expect(stage.thread(1).abortReasons).toEqual(["cancelled"]);
    expect(stage.ends).toEqual([]);
  });

  it("costs its thread when it ignores that", async () => {
    const stage = CrewStage.running([1]);

    stage.crew.receive(cancel);
    await stage.clock.advance(ABORT_ACK_MS);

    expect(stage.thread(1).isBeingEnded).toBe(true);
    expect(stage.ends).toEqual([]);
  });

  it("needs no spare: mostly it stops", () => {
    const stage = CrewStage.running([1]);

    stage.crew.receive(cancel);

    expect(stage.threads).toHaveLength(1);
  });

  it("never starts when it still waited in line", () => {
    const stage = CrewStage.running([2, 1, 3]);

    stage.crew.receive(cancel);
    stage.thread(1).ends();

    expect(stage.thread(1).job.id).toBe(3);
  });

  it("is known by its token", () => {
    const stage = CrewStage.running([1]);

    stage.crew.receive({ ...cancel, leases: [{ id: 1, token: 0 }] });

    expect(stage.thread(1).abortReasons).toEqual([]);
  });
});
