import { describe, expect, it } from "vitest";
import { anOutbox, endedOf, endsOf } from "../../test/client/outbox-scene.ts";
import { someOrder } from "../../test/client/some-order.ts";
import { UnjamError } from "../core/errors.ts";
import { ANSWER_MS_MIN, ANSWER_SLACK_MS } from "../core/limits.ts";
import type { Added } from "../runtime/messages.ts";

const FULL: Added = { kind: "full", capacity: 1, hasConsumer: true, lastConsumer: null };

describe("jobs of one turn", () => {
  it("that are enqueued alike travel as one group, in their order", async () => {
    const { outbox, clock, sent } = anOutbox();
    const order = someOrder();

    void outbox.add(order, 1, '"a"');
    void outbox.add(order, 2, '"b"');
    await clock.settle();

    expect(sent).toHaveLength(1);
    expect(sent[0]?.adds).toMatchObject([
      { batch: 0, group: { ids: [1, 2], payloads: ['"a"', '"b"'] } },
    ]);
  });

  it("that are enqueued differently travel as groups of one message", async () => {
    const { outbox, clock, sent } = anOutbox();
    const [plain, urgent] = [someOrder(), someOrder({ shape: { priority: 1 } })];

    void outbox.add(plain, 1, "1");
    void outbox.add(urgent, 2, "2");
    void outbox.add(plain, 3, "3");
    await clock.settle();

    expect(sent).toHaveLength(1);
    expect(sent[0]?.adds.map(({ group }) => group.ids)).toEqual([[1, 3], [2]]);
  });

  it("do not travel with those of the next", async () => {
    const { outbox, clock, requests } = anOutbox();
    const order = someOrder();

    void outbox.add(order, 1, "1");
    await clock.settle();
    void outbox.add(order, 2, "2");
    await clock.settle();

    expect(requests().map(({ group }) => group.ids)).toEqual([[1], [2]]);
  });

  it("are sent before its end when they are many, and the next ones are another group", async () => {
    const { outbox, clock, sent, requests } = anOutbox();
    const order = someOrder();

    for (let id = 1; id <= 300; id++) void outbox.add(order, id, "0");
    const sentInTurn = sent.length;
    await clock.settle();

    expect(sentInTurn).toBe(1);
    expect(requests().map(({ group }) => group.ids.length)).toEqual([256, 44]);
  });

  it("that must be stored together are a group that nobody else joins", async () => {
    const { outbox, clock, requests } = anOutbox();
    const order = someOrder({ atomic: true });

    void outbox.addAll(order, [1, 2], ["1", "2"]);
    void outbox.add(order, 3, "3");
    await clock.settle();

    expect(requests().map(({ group }) => [group.ids, group.atomic])).toEqual([
      [[1, 2], true],
      [[3], true],
    ]);
  });

  it("share their message with the ends and the progress of attempts", async () => {
    const { outbox, clock, sent } = anOutbox();
    const end = { kind: "unstarted" } as const;

    outbox.ended(7, 1, end);
    outbox.progress({ id: 8, token: 1, progress: 0.5, note: null });
    outbox.returned(9, 1, null);
    void outbox.add(someOrder(), 1, "1");
    await clock.settle();

    expect(sent).toMatchObject([
      {
        adds: [{ group: { ids: [1] } }],
        ends: [{ id: 7, token: 1, end }],
        progress: [{ id: 8, progress: 0.5 }],
        returned: { ids: [9], tokens: [1], results: null },
      },
    ]);
  });

  it("carry a column of results from the first result on, with gaps before it", async () => {
    const { outbox, clock, sent } = anOutbox();

    outbox.returned(1, 1, null);
    outbox.returned(2, 1, '"second"');
    outbox.returned(3, 1, null);
    await clock.settle();

    expect(sent[0]?.returned?.results).toEqual([null, '"second"', null]);
  });
});

describe("an outbox with nothing to say", () => {
  it("says nothing", () => {
    const { outbox, sent } = anOutbox();

    outbox.flush();
    outbox.resend();

    expect(sent).toEqual([]);
  });
});

describe("an answer", () => {
  it("for the whole group gives each caller its own number", async () => {
    const { outbox, clock } = anOutbox();
    const order = someOrder();
    const adds = [outbox.add(order, 1, "1"), outbox.add(order, 2, "2")];
    await clock.settle();

    outbox.answered({ type: "added", batch: 0, outcomes: "added" });

    expect(await endsOf(adds)).toEqual([1, 2]);
    expect(outbox.waits()).toEqual([]);
  });

  it("for some of a group leaves the others waiting", async () => {
    const scene = anOutbox();
    const { outbox, clock } = scene;
    const order = someOrder();
    const adds = [1, 2, 3].map((id) => outbox.add(order, id, "0"));
    await clock.settle();

    outbox.answered({
      type: "added",
      batch: 0,
      outcomes: [
        [0, { kind: "added" }],
        [2, { kind: "exists", id: 77 }],
      ],
    });

    expect(await endedOf(scene, adds)).toEqual([true, false, true]);
    expect(outbox.waits()).toMatchObject([{ name: "enqueue send → mail", count: 1 }]);
    outbox.answered({ type: "added", batch: 0, outcomes: [[1, { kind: "added" }]] });
    expect(await endsOf(adds)).toEqual([1, 2, 77]);
  });

  it("of a full queue says how long the caller has waited", async () => {
    const { outbox, clock } = anOutbox();
    const add = outbox.add(someOrder(), 1, "1");
    await clock.advance(1_200);

    outbox.answered({ type: "added", batch: 0, outcomes: [[0, FULL]] });

    await expect(add).rejects.toMatchObject({
      code: "UNJAM_QUEUE_FULL",
      details: { queue: "mail", capacity: 1, waitedMs: 1_200 },
    });
  });

  it("for a caller that has one, or for an unknown group, changes nothing", async () => {
    const { outbox, clock } = anOutbox();
    const order = someOrder();
    const adds = [outbox.add(order, 1, "1"), outbox.add(order, 2, "2")];
    await clock.settle();

    outbox.answered({ type: "added", batch: 9, outcomes: "added" });
    outbox.answered({ type: "added", batch: 0, outcomes: [[0, { kind: "added" }]] });
    outbox.answered({ type: "added", batch: 0, outcomes: [[0, FULL]] });
    outbox.answered({ type: "added", batch: 0, outcomes: [[1, { kind: "added" }]] });

    expect(await endsOf(adds)).toEqual([1, 2]);
  });
});

describe("a caller without an answer", () => {
  it("hears after its time and a little more that the outcome is unknown, with its id", async () => {
    const { outbox, clock } = anOutbox();
    const add = outbox.add(someOrder({ waitMs: 2_000 }), 46, "1");
    const failure = endsOf([add]);

    await clock.advance(2_000 + ANSWER_SLACK_MS - 1);
    const waitsBefore = outbox.waits().length;
    await clock.advance(1);

    expect([waitsBefore, await failure]).toEqual([1, ["UNJAM_OUTCOME_UNKNOWN"]]);
    await expect(add).rejects.toMatchObject({
      details: { what: "enqueue send", ids: ["j_1a"], waitedMs: 2_050 },
    });
  });

  it("hears its own id, when it has given one", async () => {
    const { outbox, clock } = anOutbox();
    const add = outbox.add(someOrder({ waitMs: 0, shape: { callerId: "order-17" } }), 1, "1");
    const failure = add.catch((error: unknown) => error);

    await clock.advance(10_000);

    expect(await failure).toMatchObject({ details: { ids: ["order-17"] } });
  });

  it("that would not wait still gives the store the time for an answer", async () => {
    const scene = anOutbox();
    const { outbox, clock, requests } = scene;
    const add = outbox.add(someOrder({ waitMs: 0 }), 1, "1");
    const now = clock.now();
    await clock.advance(ANSWER_MS_MIN);

    expect(await endedOf(scene, [add])).toEqual([false]);
    expect(requests()[0]).toMatchObject({ deadline: now, answerBy: now + ANSWER_MS_MIN });
    outbox.answered({ type: "added", batch: 0, outcomes: "added" });
    expect(await add).toBe(1);
  });

  it("does not take along those of its group that have one", async () => {
    const { outbox, clock } = anOutbox();
    const order = someOrder({ waitMs: 1_000 });
    const ends = endsOf([outbox.add(order, 1, "1"), outbox.add(order, 2, "2")]);
    await clock.settle();
    outbox.answered({ type: "added", batch: 0, outcomes: [[0, { kind: "added" }]] });

    await clock.advance(2_000);

    expect(await ends).toEqual([1, "UNJAM_OUTCOME_UNKNOWN"]);
  });

  it("is not answered after all", async () => {
    const { outbox, clock } = anOutbox();
    const ends = endsOf([outbox.add(someOrder({ waitMs: 1_000 }), 1, "1")]);
    await clock.advance(2_000);

    outbox.answered({ type: "added", batch: 0, outcomes: "added" });

    expect(await ends).toEqual(["UNJAM_OUTCOME_UNKNOWN"]);
  });

  it("with less time hears it before one who came earlier with more", async () => {
    const scene = anOutbox();
    const { outbox, clock } = scene;
    const patient = outbox.add(someOrder({ waitMs: 60_000 }), 1, "1");
    const hasty = outbox.add(someOrder({ waitMs: 1_000 }), 2, "2");

    void clock.advance(5_000);
    const ends = await endsOf([hasty]);

    expect(ends).toEqual(["UNJAM_OUTCOME_UNKNOWN"]);
    expect(await endedOf(scene, [patient])).toEqual([false]);
    await Promise.all([clock.advance(60_000), endsOf([patient])]);
  });

  it("leaves no timer behind once all groups are over", async () => {
    const { outbox, clock } = anOutbox();
    const ends = endsOf([outbox.add(someOrder({ waitMs: 1_000 }), 1, "1")]);
    await clock.advance(10_000);
    await ends;

    expect(clock.pendingCount).toBe(0);
  });
});

describe("a new engine", () => {
  it("gets every unanswered group again, with the same numbers", async () => {
    const { outbox, clock, requests } = anOutbox();
    const adds = [1, 2].map((id) => outbox.add(someOrder(), id, String(id)));
    await clock.settle();
    outbox.answered({ type: "added", batch: 0, outcomes: "added" });
    const [, second] = requests();

    outbox.resend();

    expect(requests().slice(2)).toEqual([{ ...second, batch: 2 }]);
    outbox.answered({ type: "added", batch: 2, outcomes: "added" });
    expect(await endsOf(adds)).toEqual([1, 2]);
  });

  it("gets the groups in the order of their calls", async () => {
    const { outbox, clock, requests } = anOutbox();
    for (let id = 1; id <= 40; id++) void outbox.add(someOrder(), id, "0");
    await clock.settle();

    outbox.resend();

    const again = requests().slice(40);
    expect(again.flatMap(({ group }) => group.ids)).toEqual(again.map((_, index) => index + 1));
  });

  it("gets of a half answered group what is open, and late answers of the old one count no more", async () => {
    const { outbox, clock, requests } = anOutbox();
    const order = someOrder();
    const adds = [1, 2].map((id) => outbox.add(order, id, String(id)));
    await clock.settle();
    outbox.answered({ type: "added", batch: 0, outcomes: [[0, { kind: "added" }]] });

    outbox.resend();
    outbox.answered({ type: "added", batch: 0, outcomes: [[1, { kind: "exists", id: 77 }]] });
    outbox.answered({ type: "added", batch: 1, outcomes: [[0, { kind: "added" }]] });

    expect(requests().at(-1)).toMatchObject({ batch: 1, group: { ids: [2], payloads: ["2"] } });
    expect(await endsOf(adds)).toEqual([1, 2]);
  });

  it("gets what was gathered in this turn once, and nobody joins those groups any more", async () => {
    const { outbox, clock, requests } = anOutbox();
    const order = someOrder();
    void outbox.add(order, 1, "1");
    outbox.resend();

    void outbox.add(order, 2, "2");
    await clock.settle();

    expect(requests().map(({ group }) => group.ids)).toEqual([[1], [2]]);
  });

  it("gets the ends that were not sent yet", async () => {
    const { outbox, clock, sent } = anOutbox();
    outbox.ended(7, 1, { kind: "unstarted" });

    outbox.resend();
    await clock.settle();

    expect(sent.flatMap(({ ends }) => ends.map(({ id }) => id))).toEqual([7]);
  });
});

describe("an outbox without an engine", () => {
  it("rejects who waits and who comes, and sends nothing more of them", async () => {
    const { outbox, clock, requests } = anOutbox();
    const lost = new UnjamError("UNJAM_STORE_LOST", { reason: "it exited" });
    const adds = [outbox.add(someOrder(), 1, "1")];
    await clock.settle();

    outbox.rejectAll(lost);
    adds.push(outbox.add(someOrder(), 2, "2"));
    const all = outbox.addAll(someOrder(), [3], ["3"]);

    expect(await endsOf([...adds, all])).toEqual(Array(3).fill("UNJAM_STORE_LOST"));
    await clock.advance(60_000);
    expect(requests()).toHaveLength(1);
    expect(outbox.waits()).toEqual([]);
  });
});
