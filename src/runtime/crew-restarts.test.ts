import { describe, expect, it } from "vitest";
import { ABORT_ACK_MS, RESTARTS_MAX, RESTARTS_PER_MS } from "../core/limits.ts";
import { CrewStage } from "../../test/runtime/crew-stage.ts";
import { aClaimedJob } from "../../test/runtime/job-builders.ts";

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
  /** The last thread begins the job and dies of it, and the next is ready. */
  async function endThread(stage: CrewStage, id: number, losses = 0): Promise<void> {
    stage.runJobs(aClaimedJob({ id, losses }));
    await stage.crash(1);
  }

  it("leave the lane open when six do it twice each, until they run alone", async () => {
    const stage = CrewStage.running([]);
    stage.run(1);
    stage.thread(1).ready();
    stage.thread(1).ends();

    for (let id = 2; id <= 7; id++) {
      await endThread(stage, id, 0);
      await endThread(stage, id, 1);
    }
    stage.run(8);

    expect(stage.eventNames).toEqual(Array.from({ length: 12 }, () => "replaced"));
    expect(stage.threads.at(-1)?.job.id).toBe(8);
  });

  it("leave the lane open however many they are, as long as others come through", async () => {
    const stage = CrewStage.running([1]);
    stage.thread(1).ends();

    for (let round = 1; round <= 3 * RESTARTS_MAX; round++) {
      await endThread(stage, 2 * round);
      stage.run(2 * round + 1);
      stage.threads.at(-1)?.ends({ kind: "threw", error: "{}", retryInMs: null, isFinal: false });
    }

    expect(stage.eventNames).not.toContain("broken");
  });

  it("close the lane when none comes through, so that the rest is not lost to it", async () => {
    const stage = CrewStage.running([1]);
    stage.thread(1).ends();

    for (let id = 2; id <= RESTARTS_MAX + 2; id++) await endThread(stage, id);
    stage.run(100);

    expect(stage.eventNames.at(-1)).toBe("broken");
    expect(stage.ends.at(-1)).toEqual([100, "unstarted"]);
  });

  it("clear no deaths of threads that ran nothing", async () => {
    const stage = CrewStage.running([1]);

    for (let id = 1; id <= RESTARTS_MAX + 1; id++) {
      const thread = stage.threads.at(-1);
      thread?.ends();
      thread?.dies();
      stage.run(id + 1);
      await stage.clock.advance(5_000);
      if (stage.threads.at(-1) !== thread) stage.threads.at(-1)?.ready();
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
});
