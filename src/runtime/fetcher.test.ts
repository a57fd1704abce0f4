import { describe, expect, it } from "vitest";
import { UnjamError } from "../core/errors.ts";
import type { ClaimedJob } from "../core/job.ts";
import type { TaskFacts } from "../core/task.ts";
import { someFacts } from "../../test/runtime/job-builders.ts";
import { aLane, type NotedLane, StoreStage } from "../../test/runtime/store-stage.ts";
import { Fetcher } from "./fetcher.ts";
import type { Target } from "./job-waits.ts";

async function aFetcher({
  lanes = [aLane()],
  tasks = [someFacts()],
}: { readonly lanes?: NotedLane[]; readonly tasks?: TaskFacts[] } = {}) {
  const stage = await StoreStage.open({ lanes, tasks });
  const claimed: ClaimedJob[] = [];
  const targets: Target[] = [];
  const fetcher = new Fetcher({
    ...stage.tools,
    owner: stage.owner,
    tasks,
    queues: [...new Set(tasks.map(({ queue }) => queue))],
    onClaimed: (jobs) => claimed.push(...jobs),
    targets: () => targets,
  });
  /** An attempt ends, and with it a slot is free. */
  const end = (id: number): void => {
    stage.executor.ended({ id, token: 1 }, "returned");
    fetcher.look();
  };
  const slots = (): { queue: string; limit: number }[][] =>
    stage.gate
      .callsOf("claim")
      .map(([{ slots: asked }]) => asked.map(({ queue, limit }) => ({ queue, limit })));
  return { stage, fetcher, claimed, targets, end, slots, lanes };
}

describe("the fetcher", () => {
  it("claims as many as its lane has slots, and hands them over", async () => {
    const lane = aLane({ slots: 2 });
    const { stage, fetcher, claimed } = await aFetcher({ lanes: [lane] });
    const [first = 0, second = 0] = await stage.add(3);

    fetcher.start();
    await stage.clock.settle();

    expect(lane.started).toEqual([first, second]);
    expect(claimed.map(({ id }) => id)).toEqual([first, second]);
  });

  it("does not claim when no slot is free", async () => {
    const { stage, fetcher } = await aFetcher({ lanes: [aLane({ slots: 1 })] });
    await stage.add(2);
    fetcher.start();
    await stage.clock.settle();

    fetcher.noteReady("mail");
    await stage.clock.settle();

    expect(stage.gate.countOf("claim")).toBe(1);
  });

  it("claims the next when a slot comes free and there was more", async () => {
    const lane = aLane({ slots: 1 });
    const { stage, fetcher, end } = await aFetcher({ lanes: [lane] });
    const [first = 0, second = 0] = await stage.add(2);
    fetcher.start();
    await stage.clock.settle();

    end(first);
    await stage.clock.settle();

    expect(lane.started).toEqual([first, second]);
  });

  it("does not claim again from a queue that gave less than was asked for", async () => {
    const { stage, fetcher, end } = await aFetcher({ lanes: [aLane({ slots: 2 })] });
    const [only = 0] = await stage.add(1);
    fetcher.start();
    await stage.clock.settle();

    end(only);
    await stage.clock.settle();

    expect(stage.gate.countOf("claim")).toBe(1);
  });

  it("claims when a queue is said to have something", async () => {
    const lane = aLane();
    const { stage, fetcher } = await aFetcher({ lanes: [lane] });
    fetcher.start();
    await stage.clock.settle();
    const [job = 0] = await stage.add(1);

    fetcher.noteReady("mail");
    await stage.clock.settle();

    expect(lane.started).toEqual([job]);
  });

  it("forgets nothing that it hears while a claim is under way", async () => {
    const lane = aLane();
    const { stage, fetcher } = await aFetcher({ lanes: [lane] });
    stage.gate.hold("claim");
    fetcher.start();
    await stage.clock.settle();
    stage.gate.releaseOne("claim");
    const [job = 0] = await stage.add(1);
    fetcher.noteReady("mail");

    stage.gate.release("claim");
    await stage.clock.settle();

    expect(lane.started).toEqual([job]);
  });

  it("has one claim under way at a time", async () => {
    const { stage, fetcher } = await aFetcher();
    stage.gate.hold("claim");
    fetcher.start();
    await stage.clock.settle();

    for (let index = 0; index < 5; index++) fetcher.noteReady("mail");
    await stage.clock.settle();

    expect(stage.gate.countOf("claim")).toBe(1);
  });

  it("shares the room between the queues that may have something", async () => {
    const tasks = ["a", "b", "c"].map((queue) => someFacts({ name: `task of ${queue}`, queue }));
    const { stage, fetcher, slots } = await aFetcher({ lanes: [aLane({ slots: 6 })], tasks });

    fetcher.start();
    await stage.clock.settle();

    expect(slots()[0]).toEqual([
      { queue: "a", limit: 2 },
      { queue: "b", limit: 2 },
      { queue: "c", limit: 2 },
    ]);
  });

  it("begins with another queue each time, so that none starves for a single slot", async () => {
    const tasks = ["a", "b"].map((queue) => someFacts({ name: `task of ${queue}`, queue }));
    const { stage, fetcher, slots, end } = await aFetcher({ lanes: [aLane({ slots: 1 })], tasks });
    for (const { name, queue } of tasks) await stage.add(3, { task: name, queue });
    fetcher.start();
    await stage.clock.settle();

    for (let index = 0; index < 3; index++) {
      const [attempt] = stage.executor.attempts;
      end(attempt?.job.id ?? 0);
      await stage.clock.settle();
    }

    expect(slots().map(([slot]) => slot?.queue)).toEqual(["a", "b", "a", "b"]);
  });

  it("remembers for each lane whether a queue may have more", async () => {
    const loop = aLane({ name: "loop", slots: 1 });
    const threads = aLane({ name: "thread", slots: 4 });
    const tasks = [someFacts({ name: "mail" }), someFacts({ name: "crunch", runs: "thread" })];
    const { stage, fetcher, end } = await aFetcher({ lanes: [loop, threads], tasks });
    const [first = 0, second = 0] = await stage.add(2, { task: "mail" });
    fetcher.start();
    await stage.clock.settle();
    // The loop is full now; a look on behalf of the threads finds nothing for them.
    fetcher.noteReady("mail");
    await stage.clock.settle();

    end(first);
    await stage.clock.settle();

    expect(loop.started).toEqual([first, second]);
  });

  it("gives each lane its own tasks of a queue that they share", async () => {
    const loop = aLane({ name: "loop" });
    const threads = aLane({ name: "thread" });
    const tasks = [someFacts({ name: "mail" }), someFacts({ name: "crunch", runs: "thread" })];
    const { stage, fetcher } = await aFetcher({ lanes: [loop, threads], tasks });
    const [mail = 0] = await stage.add(1, { task: "mail" });
    const [crunch = 0] = await stage.add(1, { task: "crunch" });

    fetcher.start();
    await stage.clock.settle();

    expect(loop.started).toEqual([mail]);
    expect(threads.started).toEqual([crunch]);
  });

  it("claims jobs that are wanted by name beyond the room of their lane, when something may have changed", async () => {
    const lane = aLane({ slots: 1 });
    const { stage, fetcher, targets } = await aFetcher({ lanes: [lane] });
    const [first = 0, , third = 0] = await stage.add(3);
    fetcher.start();
    await stage.clock.settle();
    targets.push({ lane, slot: { queue: "mail", tasks: ["send"], ids: [third], limit: 1 } });

    fetcher.noteReady("mail");
    await stage.clock.settle();
    const startedBefore = [...lane.started];
    fetcher.noteTargets();
    await stage.clock.settle();

    expect(startedBefore).toEqual([first]);
    expect(lane.started).toEqual([first, third]);
  });

  it("starts a job once that is wanted by name and has room besides", async () => {
    const lane = aLane({ slots: 3 });
    const { stage, fetcher, targets } = await aFetcher({ lanes: [lane] });
    const ids = await stage.add(2);
    targets.push({ lane, slot: { queue: "mail", tasks: ["send"], ids, limit: 1 } });

    fetcher.start();
    await stage.clock.settle();

    expect(lane.started).toEqual(ids);
  });

  it("never claims a task that it does not know", async () => {
    const lane = aLane();
    const { stage, fetcher } = await aFetcher({ lanes: [lane] });
    await stage.add(1, { task: "of another version" });

    fetcher.start();
    await stage.clock.settle();

    expect(lane.started).toEqual([]);
  });

  it("reports a claim that fails, and tries again only when there is a new reason", async () => {
    const lane = aLane();
    const { stage, fetcher } = await aFetcher({ lanes: [lane] });
    const [job = 0] = await stage.add(1);
    const error = new UnjamError("UNJAM_STORE_DISK_FULL", { file: "jobs.db" });
    stage.gate.fail("claim", error);
    fetcher.start();
    await stage.clock.settle();
    const countBefore = stage.gate.countOf("claim");

    fetcher.noteAll();
    await stage.clock.settle();

    expect(stage.errors).toEqual([{ name: "fetcher", error }]);
    expect(countBefore).toBe(1);
    expect(lane.started).toEqual([job]);
  });

  it("starts what a claim brings that was under way when it was stopped, and claims no more", async () => {
    const lane = aLane({ slots: 1 });
    const { stage, fetcher, end } = await aFetcher({ lanes: [lane] });
    const [first = 0] = await stage.add(2);
    stage.gate.hold("claim");
    fetcher.start();
    const stopped = fetcher.stop(new AbortController().signal);
    stage.gate.release("claim");
    await stopped;

    end(first);
    fetcher.noteAll();
    await stage.clock.settle();

    expect(lane.started).toEqual([first]);
    expect(stage.gate.countOf("claim")).toBe(1);
  });
});
