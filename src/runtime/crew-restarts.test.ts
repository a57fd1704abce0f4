import { describe, expect, it } from "vitest";
import { ABORT_ACK_MS, RESTARTS_MAX, RESTARTS_PER_MS } from "../core/limits.ts";
import { CrewStage } from "../../test/runtime/crew-stage.ts";

const THREW = { kind: "threw", error: "{}", retryInMs: null, isFinal: false } as const;

describe("a crew beyond its restart budget", () => {
  it("is broken: it says so once, gives back its line, and starts nothing more", async () => {
    const ids = Array.from({ length: RESTARTS_MAX + 5 }, (_, index) => index + 1);
    const stage = CrewStage.running(ids, { facts: { timeoutMs: 600_000 } });

    await stage.crash(RESTARTS_MAX + 1);
    const threadCount = stage.threads.length;
    stage.run(100);
    await stage.clock.advance(1_000);

    expect(stage.eventNames.filter((name) => name === "broken")).toEqual(["broken"]);
    expect(stage.ends.slice(RESTARTS_MAX + 1)).toEqual([
      [RESTARTS_MAX + 2, "unstarted"],
      [RESTARTS_MAX + 3, "unstarted"],
      [RESTARTS_MAX + 4, "unstarted"],
      [RESTARTS_MAX + 5, "unstarted"],
      [100, "unstarted"],
    ]);
    expect(stage.threads).toHaveLength(threadCount);
  });

  it("is not broken by as many crashes spread over a longer time", async () => {
    const ids = Array.from({ length: 2 * RESTARTS_MAX }, (_, index) => index + 1);
    const stage = CrewStage.running(ids, { facts: { timeoutMs: 600_000 } });

    for (let index = 0; index < 2 * RESTARTS_MAX - 1; index++) {
      await stage.crash(1);
      await stage.clock.advance(RESTARTS_PER_MS / RESTARTS_MAX);
    }

    expect(stage.eventNames).not.toContain("broken");
  });
});

describe("jobs that end their thread", () => {
  it("leave the lane open when six do it twice each, until they run alone", () => {
    const stage = new CrewStage();

    for (let id = 1; id <= 6; id++) {
      stage.begin({ id, losses: 0 }).dies();
      stage.begin({ id, losses: 1 }).dies();
    }

    expect(stage.eventNames).toEqual(Array.from({ length: 12 }, () => "replaced"));
    expect(stage.begin({ id: 7 }).job.id).toBe(7);
  });

  it("leave the lane open however many they are, as long as others come through", () => {
    const stage = new CrewStage();

    for (let id = 1; id <= 6 * RESTARTS_MAX; id += 2) {
      stage.begin({ id }).dies();
      stage.begin({ id: id + 1 }).ends(THREW);
    }

    expect(stage.eventNames).not.toContain("broken");
  });

  it("close the lane when none comes through, so that the rest is not lost to it", () => {
    const stage = new CrewStage();

    for (let id = 1; id <= RESTARTS_MAX + 1; id++) stage.begin({ id }).dies();
    stage.run(100);

    expect(stage.eventNames.at(-1)).toBe("broken");
    expect(stage.ends.at(-1)).toEqual([100, "unstarted"]);
  });

  it("excuse no thread that dies of nothing", () => {
    const stage = new CrewStage();

    for (let id = 1; id <= RESTARTS_MAX + 1; id++) {
      const thread = stage.begin({ id });
      thread.ends();
      thread.dies();
    }

    expect(stage.eventNames.at(-1)).toBe("broken");
  });
});

describe("a crew that ends late handlers on purpose", () => {
  it("is not broken by that, however often: their jobs have paid for it", async () => {
    const ids = Array.from({ length: 2 * RESTARTS_MAX }, (_, index) => index + 1);
    const stage = CrewStage.running(ids);

    for (let index = 0; index < ids.length; index++) {
      await stage.clock.advance(1_000 + ABORT_ACK_MS);
      stage.thread(index + 1).dies("it was terminated");
      stage.threads[index + 1]?.ready();
    }

    expect(stage.eventNames).not.toContain("broken");
    expect(stage.ends).toHaveLength(ids.length);
  });

  it("does not say that they were replaced once nothing is replaced any more", async () => {
    const stage = CrewStage.running([1], { size: 2 });
    for (let index = 0; index <= RESTARTS_MAX; index++) stage.begin({ id: 10 + index }).dies();

    await stage.clock.advance(1_000 + ABORT_ACK_MS);

    expect(stage.thread(1).isBeingEnded).toBe(true);
    expect(stage.eventNames.at(-1)).toBe("broken");
  });
});
