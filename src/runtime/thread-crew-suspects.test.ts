import { describe, expect, it } from "vitest";
import { ABORT_ACK_MS, RESTARTS_MAX } from "../core/limits.ts";
import { CrewStage } from "../../test/runtime/crew-stage.ts";

describe("a crew for suspects", () => {
  const alone = { lane: "alone", size: 1 } as const;

  it("gives each job a process of its own, which ends with it", () => {
    const stage = CrewStage.running([1, 2], alone);

    stage.thread(1).ends();
    stage.thread(2).ready();

    expect(stage.thread(1).isBeingEnded).toBe(true);
    expect(stage.thread(1).posted).toHaveLength(1);
    expect(stage.thread(2).job.id).toBe(2);
  });

  it("goes on however often a process dies under its job, for each has killed only itself", () => {
    const ids = Array.from({ length: 3 * RESTARTS_MAX }, (_, index) => index + 1);
    const stage = CrewStage.running(ids, alone);

    for (const id of ids) {
      stage.threads[id]?.ready();
      stage.thread(id).dies("it was killed by SIGSEGV");
      stage.threads[id]?.ready();
    }

    expect(stage.eventNames).not.toContain("broken");
    expect(stage.ends).toEqual(ids.map((id) => [id, "lost"]));
    expect(JSON.stringify(stage.sent)).toContain("UNJAM_PROCESS_DIED");
  });

  it("starts as many as it is told, once, and says each time how many stand", () => {
    const stage = new CrewStage({ ...alone, size: 2 });

    stage.warm(2);
    stage.warm(2);
    for (const { number } of stage.threads) stage.thread(number).ready();

    expect(stage.threads).toHaveLength(2);
    expect(stage.standing).toEqual([1, 2]);
  });

  it("says that a process ended before it says what became of its job", () => {
    const stage = new CrewStage(alone);
    stage.warm(1);
    stage.thread(1).ready();
    stage.run(1);

    stage.thread(1).ends();

    expect(stage.sent.map(({ type }) => type)).toEqual(["standing", "standing", "ends"]);
    expect(stage.standing).toEqual([1, 0]);
  });

  it("lets those go that stand for nothing when it is told", () => {
    const stage = new CrewStage(alone);
    stage.warm(1);
    stage.thread(1).ready();

    stage.warm(0);

    expect(stage.thread(1).isBeingEnded).toBe(true);
    expect(stage.standing).toEqual([1, 0]);
  });

  it("starts another when one dies before it stands, and is broken when they all do", async () => {
    const stage = new CrewStage(alone);
    stage.warm(1);

    for (let index = 0; index <= RESTARTS_MAX; index++) {
      stage.threads.at(-1)?.dies("SyntaxError");
      await stage.clock.advance(5_000);
    }

    expect(stage.threads).toHaveLength(RESTARTS_MAX + 1);
    expect(stage.eventNames.at(-1)).toBe("broken");
  });

  it("tells an engine that takes over how many stand", () => {
    const stage = CrewStage.running([1], alone);

    expect(stage.crew.standing()).toEqual([{ type: "standing", lane: "alone", count: 1 }]);
  });

  it("is broken when its processes die before they are given a job", async () => {
    const stage = new CrewStage(alone);
    stage.run(1);

    for (let index = 0; index <= RESTARTS_MAX; index++) {
      stage.threads.at(-1)?.dies("SyntaxError");
      await stage.clock.advance(5_000);
    }

    expect(stage.eventNames.at(-1)).toBe("broken");
    expect(stage.ends).toEqual([[1, "unstarted"]]);
  });

  it("warms no spare: a process that was started for one job would run another", async () => {
    const stage = CrewStage.running([1], alone);

    await stage.clock.advance(999);

    expect(stage.threads).toHaveLength(1);
  });

  it("says that a late handler ran in a process", async () => {
    const stage = CrewStage.running([1], alone);

    await stage.clock.advance(1_000 + ABORT_ACK_MS);

    expect(stage.ends).toEqual([[1, "timedOut"]]);
    expect(JSON.stringify(stage.sent)).toContain("on a process");
  });
});
