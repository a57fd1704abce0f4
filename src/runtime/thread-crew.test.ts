import { describe, expect, it } from "vitest";
import { CrewStage } from "../../test/runtime/crew-stage.ts";

describe("the thread crew", () => {
  it("starts no thread before there is work", () => {
    const stage = new CrewStage({ size: 2 });

    expect(stage.threads).toEqual([]);
  });

  it("starts as many threads as there are jobs, and no more than its size", () => {
    const stage = new CrewStage({ size: 3 });

    stage.run(1);
    const countForOne = stage.threads.length;
    stage.run(2, 3, 4, 5);

    expect(countForOne).toBe(1);
    expect(stage.threads).toHaveLength(3);
  });

  it("gives each thread one job at a time, in the order in which they came", () => {
    const stage = CrewStage.running([1, 2, 3], { size: 2 });

    stage.thread(2).ends();
    stage.thread(1).ends();

    expect(stage.thread(1).posted).toHaveLength(1);
    expect(stage.thread(2).job.id).toBe(3);
    expect(stage.ends).toEqual([
      [2, "returned"],
      [1, "returned"],
    ]);
  });

  it("names what runs and what waits as held", () => {
    const stage = CrewStage.running([1, 2, 3], { size: 2 });

    expect(stage.crew.held().map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it("gives back what has not begun", () => {
    const stage = CrewStage.running([1, 2, 3]);

    stage.crew.receive({ type: "giveBack", lane: "thread" });
    stage.thread(1).ends();

    expect(stage.ends).toEqual([
      [2, "unstarted"],
      [3, "unstarted"],
      [1, "returned"],
    ]);
  });

  it("passes on progress, log lines and enqueues, and the answers to these", () => {
    const stage = CrewStage.running([1]);
    const line = { level: "info", message: "hello", fields: {} } as const;
    const progress = { id: 1, token: 1, progress: 0.5, note: null };

    stage.thread(1).events.message({ type: "log", line });
    stage.thread(1).events.message({ type: "progress", ...progress });
    const message = { type: "added", batch: 1, outcomes: "added" } as const;
    stage.crew.receive({ type: "added", thread: 1, ids: [7], message });

    expect(stage.sent).toMatchObject([
      { type: "log", line },
      { type: "progress", progress: [progress] },
    ]);
    expect(stage.thread(1).posted.at(-1)).toMatchObject({ type: "added", ids: [7] });
  });
});

describe("a thread that dies by itself", () => {
  it("costs its job a loss for which it is guilty, with the reason", () => {
    const stage = CrewStage.running([1]);

    stage.thread(1).dies("ERR_WORKER_OUT_OF_MEMORY");

    expect(stage.sent[0]).toMatchObject({
      type: "ends",
      ends: [{ id: 1, token: 1, end: { kind: "lost", isGuilty: true } }],
    });
    expect(JSON.stringify(stage.sent[0])).toContain("ERR_WORKER_OUT_OF_MEMORY");
  });

  it("is replaced, and the line goes on", async () => {
    const stage = CrewStage.running([1, 2]);

    stage.thread(1).dies();
    await stage.clock.advance(0);
    stage.thread(2).ready();

    expect(stage.eventNames).toEqual(["replaced"]);
    expect(stage.thread(2).job.id).toBe(2);
  });

  it("is replaced later and later when it happens again", async () => {
    const stage = CrewStage.running([1, 2, 3, 4]);
    for (let index = 1; index <= 2; index++) {
      stage.thread(index).dies();
      await stage.clock.advance(0);
      stage.thread(index + 1).ready();
    }

    stage.thread(3).dies();
    await stage.clock.advance(49);
    const countBefore = stage.threads.length;
    await stage.clock.advance(1);

    expect(countBefore).toBe(3);
    expect(stage.threads).toHaveLength(4);
  });

  it("while it is idle costs no job anything", async () => {
    const stage = CrewStage.running([1]);
    stage.thread(1).ends();

    stage.thread(1).dies();
    stage.run(2);
    await stage.clock.advance(0);
    stage.thread(2).ready();

    expect(stage.ends).toEqual([[1, "returned"]]);
    expect(stage.thread(2).job.id).toBe(2);
  });

  it("while it starts is replaced too", async () => {
    const stage = new CrewStage();
    stage.run(1);

    stage.thread(1).dies("SyntaxError");
    await stage.clock.advance(0);
    stage.thread(2).ready();

    expect(stage.ends).toEqual([]);
    expect(stage.thread(2).job.id).toBe(1);
  });

  it("as a spare costs nothing", async () => {
    const stage = CrewStage.running([1]);
    await stage.clock.advance(800);

    stage.thread(2).dies();
    stage.thread(1).ends();

    expect(stage.ends).toEqual([[1, "returned"]]);
  });

  it("beside another leaves the crew at its size, also when a spare was warm", async () => {
    const stage = CrewStage.running([1, 2, 3, 4], { size: 2 });
    await stage.clock.advance(800);
    stage.thread(3).ready();

    stage.thread(1).dies();
    stage.thread(2).dies();
    await stage.clock.advance(0);
    for (const thread of stage.threads.slice(3)) thread.ready();

    expect(stage.threads.slice(2).filter(({ posted }) => posted.length > 0)).toHaveLength(2);
    expect(stage.threads).toHaveLength(4);
  });
});

/** What is on a thread's line that it cannot say as it is. */
const END = {
  type: "end",
  token: 1,
  end: { kind: "returned", result: null, problem: null },
} as const;
const FORGED = [
  ["that it is ready", { type: "ready" }],
  ["the end of another job", { ...END, id: 2 }],
  ["the end of another attempt", { ...END, id: 1, token: 2 }],
  ["something unknown", { type: "nothing" }],
  ["nothing", null],
  ["a text", "ready"],
] as const;

describe("a thread that says what it cannot say", () => {
  it.each(FORGED)(
    "%s, while it runs a job, is ended and replaced at the job's cost",
    async (_, said) => {
      const stage = CrewStage.running([1, 2]);

      stage.thread(1).says(said);
      await stage.clock.advance(0);
      stage.thread(2).ready();

      expect(stage.thread(1).isBeingEnded).toBe(true);
      expect(stage.ends).toEqual([[1, "lost"]]);
      expect(stage.eventNames).toEqual(["replaced"]);
      expect(stage.thread(2).job.id).toBe(2);
    },
  );

  it.each([...FORGED, ["the end of its job again", { ...END, id: 1 }] as const])(
    "%s, while it is idle, is ended and replaced",
    async (_, said) => {
      const stage = CrewStage.running([1]);
      stage.thread(1).ends();

      stage.thread(1).says(said);
      stage.run(2);
      await stage.clock.advance(0);
      stage.thread(2).ready();

      expect(stage.thread(1).isBeingEnded).toBe(true);
      expect(stage.ends).toEqual([[1, "returned"]]);
      expect(stage.thread(2).job.id).toBe(2);
    },
  );

  it("is heard no more, and its end costs nothing more", async () => {
    const stage = CrewStage.running([1]);
    stage.thread(1).says(null);

    stage.thread(1).ends();
    stage.thread(1).dies();
    await stage.clock.advance(5_000);

    expect(stage.ends).toEqual([[1, "lost"]]);
    expect(stage.eventNames).toEqual(["replaced"]);
  });

  it("is ended while it starts, too", async () => {
    const stage = new CrewStage();
    stage.run(1);

    stage.thread(1).says({ ...END, id: 1 });
    await stage.clock.advance(0);
    stage.thread(2).ready();

    expect(stage.ends).toEqual([]);
    expect(stage.thread(2).job.id).toBe(1);
  });

  it("to a parent that does not listen costs a line in the log", () => {
    const stage = CrewStage.running([1]);

    stage.thread(1).events.stray();

    expect(stage.sent).toMatchObject([{ type: "log", line: { level: "warn" } }]);
    expect(stage.thread(1).isBeingEnded).toBe(false);
  });
});

describe("a crew that is closed", () => {
  it("ends all its threads, and resolves when they are gone", async () => {
    const stage = CrewStage.running([1, 2], { size: 2 });
    stage.thread(2).ends();

    const closed = stage.crew.close();
    for (const thread of stage.threads) thread.dies();
    await closed;

    expect(stage.threads.every(({ isBeingEnded }) => isBeingEnded)).toBe(true);
    expect(stage.clock.pendingCount).toBe(0);
  });

  it("charges nobody for that, and replaces nothing", async () => {
    const stage = CrewStage.running([1]);

    const closed = stage.crew.close();
    stage.thread(1).dies();
    await closed;

    expect(stage.sent).toEqual([]);
    expect(stage.threads).toHaveLength(1);
  });

  it("takes a late order to stop without harm", () => {
    const stage = CrewStage.running([1]);
    void stage.crew.close();

    stage.crew.receive({ type: "abort", leases: [{ id: 1, token: 1 }], reason: "closing" });

    expect(stage.sent).toEqual([]);
  });
});

describe("a job process that dies", () => {
  it("says why as it put it itself, where its exit does not tell", () => {
    const stage = CrewStage.running([1], { lane: "process" });

    stage.thread(1).events.message({ type: "dying", reason: "RangeError: no luck" });
    stage.thread(1).dies("it exited with code 1");

    expect(JSON.stringify(stage.sent[0])).toContain("died: RangeError: no luck");
  });
});
