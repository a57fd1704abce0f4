import { describe, expect, it } from "vitest";
import { UnjamError } from "../core/errors.ts";
import { CONSUMER_GONE_MS } from "../core/limits.ts";
import { IntakeStage } from "../../test/runtime/intake-stage.ts";

const BACKOFF = { firstMs: 100, factor: 2, maxMs: 10_000, jitter: 0 };

describe("the intake", () => {
  it("answers a group that went in with one word", async () => {
    const stage = await IntakeStage.open({ capacity: 10 });

    const batch = await stage.enqueue({ count: 3 });

    expect(stage.said).toEqual([{ batch, outcomes: "added" }]);
  });

  it("says that a queue gets a job in the turn in which it was submitted, so that a claim can share its commit", async () => {
    const stage = await IntakeStage.open({ capacity: 10 });
    stage.stage.gate.hold("add");

    await stage.enqueue();

    expect(stage.adding).toEqual(["mail"]);
  });

  it("says when a delayed job is due, instead of waking the workers", async () => {
    const stage = await IntakeStage.open({ capacity: 10 });

    await stage.enqueue({ runAt: 1_900_000_000_000 });

    expect(stage.delayed).toEqual([1_900_000_000_000]);
    expect(stage.adding).toEqual([]);
  });

  it("wakes the workers for a delayed job that was due when the store took it, once it is in", async () => {
    const stage = await IntakeStage.open({ capacity: 10 });
    stage.stage.gate.hold("add");
    const enqueued = stage.enqueue({ runAt: stage.stage.clock.wallNow() + 5 });
    const addingBefore = [...stage.adding];
    await stage.stage.clock.advance(5);

    stage.stage.gate.release("add");
    await enqueued;
    await stage.stage.clock.settle();

    expect(addingBefore).toEqual([]);
    expect(stage.adding).toEqual(["mail"]);
  });

  it("passes on what the store rejects with", async () => {
    const stage = await IntakeStage.open({ capacity: 10 });
    stage.stage.gate.fail("add", new UnjamError("UNJAM_STORE_DISK_FULL", { file: "jobs.db" }));

    const batch = await stage.enqueue({ count: 2 });

    expect(stage.kindsOf(batch)).toEqual(["UNJAM_STORE_DISK_FULL", "UNJAM_STORE_DISK_FULL"]);
  });

  it.each([
    { whenFull: "drop-newest", dropped: [1_002] },
    { whenFull: "drop-oldest", dropped: [1_001] },
  ] as const)(
    "says that a job is in with $whenFull, and which one was dropped",
    async ({ whenFull, dropped }) => {
      const stage = await IntakeStage.open({ capacity: 1 });
      await stage.enqueue();

      const batch = await stage.enqueue({ whenFull });

      expect(stage.kindsOf(batch)).toEqual(["added"]);
      expect(stage.dropped).toEqual(dropped);
      expect(stage.full).toEqual([{ queue: "mail", capacity: 1 }]);
    },
  );

  it("lets those who drop go in front of those who wait", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const waiting = await stage.enqueue();

    const batch = await stage.enqueue({ whenFull: "drop-oldest" });

    expect(stage.kindsOf(batch)).toEqual(["added"]);
    expect(stage.kindsOf(waiting)).toEqual([]);
  });

  it("refuses at once with whenFull reject, and says that the queue was full", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();

    const batch = await stage.enqueue({ whenFull: "reject" });

    expect(stage.kindsOf(batch)).toEqual(["full"]);
    expect(stage.full).toEqual([{ queue: "mail", capacity: 1 }]);
  });

  it("adds the part of a group that fits and lets the rest wait, each for itself", async () => {
    const stage = await IntakeStage.open({ capacity: 2 });
    const batch = await stage.enqueue({ count: 4 });
    const kindsBefore = stage.kindsOf(batch);

    await stage.takeJobs(1);

    expect(kindsBefore).toEqual(["added", "added"]);
    expect(stage.kindsOf(batch)).toEqual(["added", "added", "added"]);
    expect(stage.intake.waiterCount).toBe(1);
  });

  it("refuses an atomic group that is larger than the capacity at once: no room can come for it", async () => {
    const stage = await IntakeStage.open({ capacity: 2 });

    const batch = await stage.enqueue({ count: 3, atomic: true });

    expect(stage.kindsOf(batch)).toEqual(["full", "full", "full"]);
    expect(stage.intake.waiterCount).toBe(0);
  });

  it("lets an atomic group wait as one, and adds all of it or nothing", async () => {
    const stage = await IntakeStage.open({ capacity: 2 });
    await stage.enqueue({ count: 2 });
    const batch = await stage.enqueue({ count: 2, atomic: true });
    await stage.takeJobs(1);
    const kindsBefore = stage.kindsOf(batch);

    await stage.takeJobs(1);

    expect(kindsBefore).toEqual([]);
    expect(stage.said.at(-1)).toEqual({ batch, outcomes: "added" });
  });

  it("refuses everyone who waits when it is closed, and leaves no timer", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const waiting = await stage.enqueue();
    const retrying = await stage.enqueue({ whenFull: { retry: BACKOFF } });

    stage.intake.close();

    expect(stage.kindsOf(waiting)).toEqual(["UNJAM_CLOSED"]);
    expect(stage.kindsOf(retrying)).toEqual(["UNJAM_CLOSED"]);
    expect(stage.intake.waiterCount).toBe(0);
    expect(stage.stage.clock.pendingCount).toBe(0);
  });
});

describe("callers that wait for room", () => {
  it("get it in the order in which they came", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const waiting = [await stage.enqueue(), await stage.enqueue(), await stage.enqueue()];

    for (let index = 0; index < 3; index++) await stage.takeJobs(1);

    expect(stage.answeredBatches.slice(1)).toEqual(waiting);
  });

  it("keep their order when there is room for some of those who try", async () => {
    const stage = await IntakeStage.open({ capacity: 3 });
    await stage.enqueue({ count: 3 });
    const waiting: number[] = [];
    for (let index = 0; index < 7; index++) waiting.push(await stage.enqueue());

    for (const room of [2, 1, 3, 1]) await stage.takeJobs(room);

    expect(stage.answeredBatches.slice(1)).toEqual(waiting);
  });

  it("go before those who come later", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const early = await stage.enqueue();
    // Room is there, but nobody was told of it yet.
    const { gate, owner, deadline } = stage.stage;
    const slots = [{ queue: "mail", tasks: ["send"], limit: 1 }];
    await gate.store.claim({ owner, slots }, deadline);

    const late = await stage.enqueue();
    stage.intake.roomFreed("mail");
    await stage.stage.clock.settle();

    expect(stage.kindsOf(early)).toEqual(["added"]);
    expect(stage.kindsOf(late)).toEqual([]);
  });

  it("keep their place while another caller's answer comes in between", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const waiting = [await stage.enqueue(), await stage.enqueue(), await stage.enqueue()];
    stage.stage.gate.hold("add");
    stage.intake.add([stage.request({ whenFull: "reject" })]);
    stage.intake.roomFreed("mail");
    stage.stage.gate.releaseOne("add");
    await stage.stage.clock.settle();
    const waitersBefore = stage.intake.waiterCount;
    stage.stage.gate.release("add");
    await stage.stage.clock.settle();

    for (let index = 0; index < 3; index++) await stage.takeJobs(1);

    expect(waitersBefore).toBe(3);
    expect(stage.answeredBatches.filter((batch) => waiting.includes(batch))).toEqual(waiting);
  });

  it("wake the workers when they got in", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    await stage.enqueue();
    const wokenBefore = stage.adding.length;

    await stage.takeJobs(1);

    expect(stage.adding.length).toBe(wokenBefore + 1);
  });

  it("wake nobody while they find the queue full", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    await stage.enqueue();
    await stage.enqueue({ runAt: 1_900_000_000_000 });
    const wokenBefore = stage.adding.length;

    for (let index = 0; index < 3; index++) {
      stage.intake.lookAgain();
      await stage.stage.clock.settle();
    }

    expect(stage.adding).toHaveLength(wokenBefore);
    expect(stage.delayed).toEqual([]);
  });

  it("are told that the queue is full when their time is over, and no sooner", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const batch = await stage.enqueue({ waitMs: 500 });

    await stage.stage.clock.advance(499);
    const kindsBefore = stage.kindsOf(batch);
    await stage.stage.clock.advance(1);

    expect(kindsBefore).toEqual([]);
    expect(stage.kindsOf(batch)).toEqual(["full"]);
    expect(stage.intake.waiterCount).toBe(0);
  });

  it("each have their own time", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const long = await stage.enqueue({ waitMs: 2_000 });
    const short = await stage.enqueue({ waitMs: 500 });

    await stage.stage.clock.advance(1_000);
    const kindsAt1s = [stage.kindsOf(long), stage.kindsOf(short)];
    await stage.stage.clock.advance(1_000);

    expect(kindsAt1s).toEqual([[], ["full"]]);
    expect(stage.kindsOf(long)).toEqual(["full"]);
  });

  it("are refused at once when as many wait as may", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    await stage.enqueue({ waitersMax: 2 });
    await stage.enqueue({ waitersMax: 2 });

    const batch = await stage.enqueue({ waitersMax: 2 });

    expect(stage.kindsOf(batch)).toEqual(["UNJAM_TOO_MANY_WAITERS"]);
    expect(stage.intake.waiterCount).toBe(2);
  });

  it("are all refused when the last consumer has said goodbye", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const batches = [await stage.enqueue(), await stage.enqueue()];
    const { gate, owner, deadline, clock } = stage.stage;
    await gate.store.leave(owner, "it was closed", deadline);

    stage.intake.lookAgain();
    await clock.settle();

    expect(batches.map((batch) => stage.kindsOf(batch))).toEqual([["full"], ["full"]]);
    expect(stage.said.at(-1)?.outcomes).toMatchObject([
      [0, { hasConsumer: false, lastConsumer: { worker: "worker", reason: "it was closed" } }],
    ]);
  });

  it("are refused when the last consumer has not beaten for too long", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const batch = await stage.enqueue({ waitMs: 60_000 });
    await stage.stage.clock.advance(CONSUMER_GONE_MS);

    stage.intake.lookAgain();
    await stage.stage.clock.settle();

    expect(stage.kindsOf(batch)).toEqual(["full"]);
  });

  it("stay in line while the queue is still full", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const batch = await stage.enqueue();

    for (let index = 0; index < 3; index++) {
      stage.intake.lookAgain();
      await stage.stage.clock.settle();
    }

    expect(stage.kindsOf(batch)).toEqual([]);
    expect(stage.intake.waiterCount).toBe(1);
  });

  it("do not wait when their id says that the job is stored already", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue({ callerId: "order-7" });
    await stage.enqueue();

    const repeated = await stage.enqueue({ callerId: "order-7" });

    expect(stage.kindsOf(repeated)).toEqual(["exists"]);
  });
});

describe("whenFull retry", () => {
  it("tries again by its backoff until there is room", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const batch = await stage.enqueue({ whenFull: { retry: BACKOFF } });

    await stage.stage.clock.advance(100 + 200);
    await stage.takeJobs(1);
    const kindsBefore = stage.kindsOf(batch);
    await stage.stage.clock.advance(400);

    expect(kindsBefore).toEqual([]);
    expect(stage.kindsOf(batch)).toEqual(["added"]);
  });

  it("wakes the workers when it got in", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    await stage.enqueue({ whenFull: { retry: BACKOFF } });
    await stage.takeJobs(1);
    stage.adding.length = 0;

    await stage.stage.clock.advance(100);

    expect(stage.adding).toEqual(["mail"]);
  });

  it("gives up when the next try would come after its deadline", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const batch = await stage.enqueue({ whenFull: { retry: BACKOFF }, waitMs: 650 });

    await stage.stage.clock.advance(100);
    const kindsBefore = stage.kindsOf(batch);
    await stage.stage.clock.advance(200);

    expect(kindsBefore).toEqual([]);
    expect(stage.kindsOf(batch)).toEqual(["full"]);
  });

  it("tries as often as its time allows, also in a queue with few places", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const batch = await stage.enqueue({ whenFull: { retry: BACKOFF }, waitersMax: 1 });

    await stage.stage.clock.advance(100 + 200 + 400);

    expect(stage.kindsOf(batch)).toEqual([]);
  });

  it("counts as waiting: beyond waitersMax the next is refused at once", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const policy = { whenFull: { retry: BACKOFF }, waitersMax: 2 } as const;
    await stage.enqueue(policy);
    await stage.enqueue(policy);

    const batch = await stage.enqueue(policy);

    expect(stage.kindsOf(batch)).toEqual(["UNJAM_TOO_MANY_WAITERS"]);
    expect(stage.intake.waiterCount).toBe(2);
  });

  it("ends at its next try when the last consumer has gone", async () => {
    const stage = await IntakeStage.open({ capacity: 1 });
    await stage.enqueue();
    const batch = await stage.enqueue({ whenFull: { retry: BACKOFF } });
    const { gate, owner, deadline } = stage.stage;
    await gate.store.leave(owner, "it was closed", deadline);

    await stage.stage.clock.advance(100);

    expect(stage.said.at(-1)).toMatchObject({ batch, outcomes: [[0, { hasConsumer: false }]] });
  });
});
