import { describe, expect, it } from "vitest";
import { ABORT_ACK_MS, ABORT_GRACE_MS, TERMINATE_MS_MAX } from "../core/limits.ts";
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
