import { describe, expect, it } from "vitest";
import { CrewStage } from "../../test/runtime/crew-stage.ts";

/** A crew of one whose handler waits for job 3, with jobs 2 and 3 in line. */
function aLender(): CrewStage {
  const stage = CrewStage.running([1, 2, 3]);
  stage.prefer(3);
  stage.thread(1).waits(7);
  stage.threads[1]?.ready();
  return stage;
}

describe("a slot that is lent", () => {
  it("goes to the job that is waited for, past those in front of it", () => {
    const stage = aLender();

    expect(stage.threads).toHaveLength(2);
    expect(stage.thread(2).job.id).toBe(3);
  });

  it("goes to no other job, for that might wait too", () => {
    const stage = CrewStage.running([1, 2]);

    stage.thread(1).waits(7);

    expect(stage.threads).toHaveLength(1);
  });

  it("takes the job as soon as somebody says that it is waited for", () => {
    const stage = CrewStage.running([1, 2]);
    stage.thread(1).waits(7);

    stage.prefer(2);
    stage.thread(2).ready();

    expect(stage.thread(2).job.id).toBe(2);
  });

  it("is given back when the wait is over: what waits in line stays there", () => {
    const stage = aLender();

    stage.answer(1, 7);
    stage.thread(2).ends();

    expect(stage.thread(1).answers).toEqual([[7, "gone"]]);
    expect(stage.thread(2).posted).toHaveLength(1);
    expect(stage.ends).toEqual([[3, "returned"]]);
  });

  it("is one slot, for however many jobs its handler waits", () => {
    const stage = CrewStage.running([1, 2, 3]);
    stage.prefer(2, 3);

    stage.thread(1).waits(7);
    stage.thread(1).waits(8);
    stage.threads[1]?.ready();

    expect(stage.threads).toHaveLength(2);
    expect(stage.thread(2).job.id).toBe(2);
  });

  it("leaves a thread behind that is ready for the next one who lends", () => {
    const stage = aLender();
    stage.thread(2).ends();
    stage.answer(1, 7);
    stage.thread(1).ends();
    stage.run(4);
    stage.prefer(4);

    const runner = stage.threads.find((thread) => thread.job.id === 2);
    runner?.waits(9);

    expect(stage.threads).toHaveLength(2);
    expect(new Set(stage.threads.map((thread) => thread.job.id))).toEqual(new Set([2, 4]));
  });

  it("can be asked for by as many handlers as there are threads, and then by no more", () => {
    const stage = aLender();
    stage.thread(2).waits(8, "j_9");

    expect(stage.thread(2).answers).toEqual([[8, "error"]]);
    expect(JSON.stringify(stage.thread(2).posted.at(-1))).toContain("UNJAM_TOO_MANY_WAITERS");
  });

  it("ends with its handler, also when that did not wait for the answer", () => {
    const stage = aLender();

    stage.thread(1).ends();
    stage.thread(2).ends();
    stage.answer(1, 7);

    expect(stage.thread(1).answers).toEqual([]);
    expect(stage.threads.flatMap((thread) => thread.job.id)).toContain(2);
  });

  it("ends with a wait that is given up, which the engine hears once", () => {
    const stage = aLender();

    stage.thread(1).events.message({ type: "unawait", call: 7 });
    stage.thread(1).events.message({ type: "unawait", call: 7 });

    expect(stage.sent.filter(({ type }) => type === "unawait")).toEqual([
      { type: "unawait", thread: 1, call: 7 },
    ]);
  });

  it("is told again to an engine that takes over", () => {
    const stage = aLender();

    expect(stage.crew.standing()).toMatchObject([
      { type: "await", thread: 1, call: 7, id: 1, token: 1, job: "j_2" },
    ]);
  });
});
