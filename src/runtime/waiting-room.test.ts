import { describe, expect, it } from "vitest";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import { aShape } from "../../test/conformance/scene.ts";
import type { Entry } from "./intake.ts";
import { WaitingRoom } from "./waiting-room.ts";

function aRoom() {
  const clock = new SteppedClock();
  const late: number[] = [];
  let readyCount = 0;
  const room = new WaitingRoom(
    { clock, timers: clock },
    { late: ({ request }) => late.push(request.batch), ready: () => readyCount++ },
  );
  const entry = (batch: number, waitMs = 10_000): Entry => {
    const deadline = clock.now() + waitMs;
    const jobs = { ids: [batch], payloads: ["{}"] };
    const terms = { capacity: 1, atomic: false, overflow: "refuse" } as const;
    const group = { shape: aShape(), ...terms, ...jobs };
    const limits = { waitersMax: 100, since: clock.now(), deadline, answerBy: deadline };
    return { request: { batch, group, whenFull: "wait", ...limits }, indexes: null, tries: 1 };
  };
  const enter = (...batches: number[]): void => {
    for (const batch of batches) room.enter(entry(batch));
  };
  return { room, clock, late, entry, enter, readyCount: () => readyCount };
}

const batchesOf = (entries: readonly Entry[]): number[] =>
  entries.map(({ request }) => request.batch);

describe("a waiting room", () => {
  it("lets its waiters try in the order in which they came", () => {
    const { room, enter } = aRoom();
    enter(1, 2, 3);

    expect(batchesOf(room.take())).toEqual([1, 2, 3]);
  });

  it("counts those who are trying as waiting", () => {
    const { room, enter } = aRoom();
    enter(1, 2);
    room.take();
    enter(3);

    expect(room.size).toBe(3);
  });

  it("lets nobody else try while some are trying", () => {
    const { room, enter } = aRoom();
    enter(1);
    room.take();
    enter(2);

    expect(room.take()).toEqual([]);
  });

  it("puts those who found it full before those who came meanwhile", async () => {
    const { room, clock, enter } = aRoom();
    enter(1, 2);
    const trying = room.take();
    enter(3);
    for (const entry of trying) {
      room.answered();
      room.back(entry);
    }

    await clock.settle();

    expect(batchesOf(room.take())).toEqual([1, 2, 3]);
  });

  it("lets nobody pass those who are on their way back to the line", () => {
    const { room, enter } = aRoom();
    enter(1);
    const [first] = room.take();
    if (first === undefined) throw new Error("one waited");
    enter(2);
    room.answered();
    room.back(first);

    expect(room.take()).toEqual([]);
  });

  it("says that it is ready when room came free while some were trying", async () => {
    const { room, clock, enter, readyCount } = aRoom();
    enter(1);
    room.take();
    room.take();

    room.answered();
    await clock.settle();

    expect(readyCount()).toBe(1);
  });

  it("says nothing when no room came free meanwhile", async () => {
    const { room, clock, enter, readyCount } = aRoom();
    enter(1);
    room.take();

    room.answered();
    await clock.settle();

    expect(readyCount()).toBe(0);
  });

  it("names those whose time is over, the earliest deadline first", async () => {
    const { room, clock, late, entry } = aRoom();
    room.enter(entry(1, 300));
    room.enter(entry(2, 100));

    await clock.advance(100);
    const lateAt100 = [...late];
    await clock.advance(200);

    expect(lateAt100).toEqual([2]);
    expect(late).toEqual([2, 1]);
    expect(room.size).toBe(0);
  });

  it("never lets somebody try whose time is over", () => {
    const { room, clock, late, entry } = aRoom();
    room.enter(entry(1, 100));
    clock.freeze(100);

    const taken = room.take();

    expect(taken).toEqual([]);
    expect(late).toEqual([1]);
  });

  it("names somebody who comes back from a try after his time", async () => {
    const { room, clock, late, entry } = aRoom();
    room.enter(entry(1, 100));
    const [trying] = room.take();
    if (trying === undefined) throw new Error("one waited");
    await clock.advance(200);
    const lateBefore = [...late];

    room.answered();
    room.back(trying);
    await clock.advance(0);

    expect(lateBefore).toEqual([]);
    expect(late).toEqual([1]);
  });

  it("keeps no timer once nobody waits", async () => {
    const { room, clock, enter } = aRoom();
    enter(1);

    room.clear();

    expect(clock.pendingCount).toBe(0);
    expect(room.size).toBe(0);
  });
});
