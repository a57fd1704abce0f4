import { describe, expect, it } from "vitest";
import {
  ABORT_ACK_MS,
  ABORT_GRACE_MS,
  POOL_REST_MS,
  POOL_TICK_MS,
  POOL_UNRESPONSIVE_MS,
  RESTARTS_MAX,
  SPARE_LEAD_MS,
  TERMINATE_MS_MAX,
} from "../../src/core/limits.ts";
import { WORD } from "../../src/threads/pool/thread-board.ts";
import { PoolCrewStage } from "./pool-crew-stage.ts";

/** One thread runs call 7, whose time is a second. */
function running(threads = 1): PoolCrewStage {
  const stage = PoolCrewStage.ready(threads);
  stage.thread(1).begins(7);
  stage.watch();
  return stage;
}

describe("the ladder of a pool's call", () => {
  it("warms a spare at four fifths of its time, which the pool does not know yet", async () => {
    const stage = running();

    await stage.clock.advance(790);
    const before = stage.threads.length;
    await stage.clock.advance(2 * POOL_TICK_MS);
    stage.thread(2).ready();

    expect([before, stage.threads.length]).toEqual([1, 2]);
    expect(stage.usable).toEqual([1]);
    expect(stage.thread(1).posted).toEqual([]);
  });

  it("warms a spare early enough to be ready, also for a call of little time", async () => {
    const stage = PoolCrewStage.ready(1);
    stage.thread(1).begins(7, 2 * SPARE_LEAD_MS);
    stage.watch();

    await stage.clock.advance(SPARE_LEAD_MS - POOL_TICK_MS);
    const before = stage.threads.length;
    await stage.clock.advance(2 * POOL_TICK_MS);

    expect([before, stage.threads.length]).toEqual([1, 2]);
  });

  it("tells the function to stop at the deadline, asks where a blocked thread is, and says it", async () => {
    const stage = running();

    await stage.clock.advance(1_000 + 2 * POOL_TICK_MS);

    expect(stage.thread(1).posted).toEqual([
      { type: "abort", id: 7, reason: "timeout", pool: "stage" },
    ]);
    expect(stage.said).toEqual(["late 1"]);
    expect(stage.sent.at(-1)).toMatchObject({ whereabouts: { stack: "    at here" } });
  });

  it("gives the place to the spare, and ends a thread whose loop is blocked", async () => {
    const stage = running();
    await stage.clock.advance(900);
    stage.thread(2).ready();

    await stage.clock.advance(100 + ABORT_ACK_MS + 2 * POOL_TICK_MS);

    expect(stage.said).toEqual(["late 1", "replaced 1", "gone 1"]);
    expect(stage.usable).toEqual([1, 2]);
    expect(stage.thread(1).isBeingEnded).toBe(true);
  });

  it("gives a function that has heard its grace, while another thread has its place", async () => {
    const stage = running();
    await stage.clock.advance(1_000 + POOL_TICK_MS);
    stage.thread(1).hears(7);

    await stage.clock.advance(ABORT_ACK_MS + 2 * POOL_TICK_MS);
    const saidBefore = stage.said;
    const wasEnded = stage.thread(1).isBeingEnded;
    await stage.clock.advance(ABORT_GRACE_MS);

    expect(saidBefore).toEqual(["late 1", "replaced 1"]);
    expect(wasEnded).toBe(false);
    expect(stage.said).toEqual(["late 1", "replaced 1", "gone 1"]);
  });

  it("keeps a thread whose function stops before its place is taken", async () => {
    const stage = running();
    await stage.clock.advance(1_000 + POOL_TICK_MS);
    stage.thread(1).hears(7);

    stage.thread(1).ends();
    await stage.clock.advance(ABORT_GRACE_MS + ABORT_ACK_MS);

    expect(stage.said).toEqual(["late 1"]);
    expect(stage.thread(1).isBeingEnded).toBe(false);
  });

  it("lets a thread go that has done its last after its place was taken", async () => {
    const stage = running();
    await stage.clock.advance(1_000 + POOL_TICK_MS);
    stage.thread(1).hears(7);
    await stage.clock.advance(ABORT_ACK_MS + 2 * POOL_TICK_MS);

    stage.thread(1).ends();
    await stage.clock.advance(POOL_TICK_MS);

    expect(stage.said).toEqual(["late 1", "replaced 1", "gone 1"]);
  });

  it("does not end a thread that has begun another call meanwhile", async () => {
    const stage = running();
    await stage.clock.advance(1_000 + ABORT_ACK_MS - POOL_TICK_MS);

    stage.thread(1).begins(8);
    await stage.clock.advance(ABORT_ACK_MS);

    expect(stage.thread(1).isBeingEnded).toBe(false);
    expect(stage.thread(1).board.words[WORD.stop]).toBe(0);
  });

  it("is climbed for a caller that gave up too, but nobody is told where the call was", async () => {
    const stage = running();
    await stage.clock.advance(POOL_TICK_MS);

    stage.crew.receive({ type: "stop", thread: 1, id: 7, reason: "aborted" });
    await stage.clock.advance(ABORT_ACK_MS + 2 * POOL_TICK_MS);

    expect(stage.said).toEqual(["replaced 1", "gone 1"]);
  });

  it("stops no other call than the one that is named", async () => {
    const stage = running();
    await stage.clock.advance(POOL_TICK_MS);

    stage.crew.receive({ type: "stop", thread: 1, id: 6, reason: "aborted" });
    await stage.clock.advance(ABORT_ACK_MS + POOL_TICK_MS);

    expect(stage.thread(1).posted).toEqual([]);
  });

  it("counts a thread that cannot be ended as left behind", async () => {
    const stage = running();

    await stage.clock.advance(1_000 + ABORT_ACK_MS + 2 * POOL_TICK_MS + TERMINATE_MS_MAX);

    expect(stage.sent.at(-1)).toEqual({ type: "leftBehind", count: 1 });
  });
});

describe("a pool's crew", () => {
  it("ends a thread that leaves a call waiting while it runs none", async () => {
    const stage = PoolCrewStage.ready(1);
    stage.thread(1).board.words[WORD.callsTail] = 48;
    stage.watch();

    await stage.clock.advance(POOL_UNRESPONSIVE_MS);
    const before = stage.said;
    await stage.clock.advance(3 * POOL_TICK_MS);

    expect(before).toEqual([]);
    expect(stage.said).toEqual(["replaced 1", "gone 1"]);
  });

  it("rests when nothing was under way for a while, until it is told to watch again", async () => {
    const stage = running();
    stage.thread(1).ends();

    await stage.clock.advance(POOL_REST_MS + 3 * POOL_TICK_MS);

    expect(stage.isWatching).toBe(false);
    expect(stage.clock.pendingCount).toBe(0);
  });

  it("replaces a thread that dies, at once when a call ran on it", async () => {
    const stage = running();
    await stage.clock.advance(POOL_TICK_MS);

    stage.thread(1).events.exit("it exited with code 3");

    expect(stage.said).toEqual(["gone 1"]);
    expect(stage.threads).toHaveLength(2);
  });

  it("is broken when threads die that ran nothing, more often than the budget allows", async () => {
    const stage = PoolCrewStage.ready(1);

    for (let times = 0; times <= RESTARTS_MAX; times++) {
      stage.threads.at(-1)?.events.exit("out of luck");
      await stage.clock.advance(5_000);
    }
    stage.crew.receive({ type: "want", threads: 2 });

    expect(stage.said.at(-1)).toBe("broken");
    expect(stage.threads).toHaveLength(RESTARTS_MAX + 1);
  });

  it("says that the module failed, and starts no thread before it is asked again", () => {
    const stage = new PoolCrewStage();
    stage.crew.receive({ type: "want", threads: 1 });

    stage.thread(1).events.message({ type: "failed", error: { name: "Error", message: "no" } });
    const afterwards = stage.threads.length;
    stage.crew.receive({ type: "want", threads: 1 });

    expect(stage.said).toEqual(["failed"]);
    expect([afterwards, stage.threads.length]).toEqual([1, 2]);
  });
});
