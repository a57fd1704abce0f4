import { describe, expect, it } from "vitest";
import { anOutbox, endsOf } from "../../test/client/outbox-scene.ts";
import { someOrder } from "../../test/client/some-order.ts";
import { UnjamError } from "../core/errors.ts";
import { ANSWER_SLACK_MS } from "../core/limits.ts";
import type { Added } from "../runtime/messages.ts";

const NUMBER_TAKEN: Added = { kind: "numberTaken" };

describe("a job whose number is taken", () => {
  it("goes again under another one, and the others of its group have their answers", async () => {
    const { outbox, clock, requests } = anOutbox();
    const order = someOrder();
    const adds = [1, 2, 3].map((id) => outbox.add(order, id, `"${id}"`));
    await clock.settle();

    outbox.answered({
      type: "added",
      batch: 0,
      outcomes: [
        [0, { kind: "added" }],
        [1, NUMBER_TAKEN],
        [2, { kind: "added" }],
      ],
    });
    await clock.settle();

    expect(requests().slice(1)).toMatchObject([
      { batch: 1, group: { ids: [900], payloads: ['"2"'], shape: order.shape } },
    ]);
    outbox.answered({ type: "added", batch: 1, outcomes: "added" });
    expect(await endsOf(adds)).toEqual([1, 900, 3]);
    expect(outbox.waits()).toEqual([]);
  });

  it("goes again as often as it takes", async () => {
    const { outbox, clock, requests } = anOutbox();
    const add = outbox.add(someOrder(), 1, "1");

    for (let batch = 0; batch < 5; batch++) {
      await clock.settle();
      outbox.answered({ type: "added", batch, outcomes: [[0, NUMBER_TAKEN]] });
    }
    await clock.settle();
    outbox.answered({ type: "added", batch: 5, outcomes: "added" });

    expect(await add).toBe(904);
    expect(requests().map(({ group }) => group.ids[0])).toEqual([1, 900, 901, 902, 903, 904]);
  });

  it("takes along all that must be stored with it", async () => {
    const { outbox, clock, requests } = anOutbox();
    const adds = outbox.addAll(someOrder({ atomic: true }), [1, 2], ["1", "2"]);
    await clock.settle();

    outbox.answered({
      type: "added",
      batch: 0,
      outcomes: [
        [0, NUMBER_TAKEN],
        [1, NUMBER_TAKEN],
      ],
    });
    await clock.settle();

    expect(requests().slice(1)).toMatchObject([
      { group: { ids: [900, 901], payloads: ["1", "2"], atomic: true } },
    ]);
    outbox.answered({ type: "added", batch: 1, outcomes: "added" });
    expect(await adds).toEqual([900, 901]);
  });

  it("is sent to a new engine under the number that it was sent under last, and no other", async () => {
    const { outbox, clock, requests } = anOutbox();
    const add = outbox.add(someOrder(), 1, "1");
    await clock.settle();
    outbox.answered({ type: "added", batch: 0, outcomes: [[0, NUMBER_TAKEN]] });
    await clock.settle();

    outbox.resend();
    outbox.answered({ type: "added", batch: 1, outcomes: [[0, NUMBER_TAKEN]] });
    await clock.settle();

    expect(requests().map(({ batch, group }) => [batch, group.ids])).toEqual([
      [0, [1]],
      [1, [900]],
      [2, [900]],
    ]);
    outbox.answered({ type: "added", batch: 2, outcomes: [[0, { kind: "exists", id: 900 }]] });
    expect(await add).toBe(900);
  });

  it("is sent once, when the engine is replaced while the other number is drawn", async () => {
    const { outbox, clock, requests } = anOutbox();
    const add = outbox.add(someOrder(), 1, "1");
    await clock.settle();

    outbox.answered({ type: "added", batch: 0, outcomes: [[0, NUMBER_TAKEN]] });
    outbox.resend();
    await clock.settle();

    expect(requests().map(({ group }) => group.ids)).toEqual([[1], [900]]);
    outbox.answered({ type: "added", batch: 1, outcomes: "added" });
    expect(await add).toBe(900);
  });

  it("has no more time than it had", async () => {
    const { outbox, clock, requests } = anOutbox();
    const add = outbox.add(someOrder({ waitMs: 2_000 }), 1, "1");
    const failure = endsOf([add]);
    await clock.advance(1_500);
    outbox.answered({ type: "added", batch: 0, outcomes: [[0, NUMBER_TAKEN]] });
    await clock.settle();

    await clock.advance(500 + ANSWER_SLACK_MS);

    expect(requests()[1]).toMatchObject({ deadline: requests()[0]?.deadline });
    expect(await failure).toEqual(["UNJAM_OUTCOME_UNKNOWN"]);
    await expect(add).rejects.toMatchObject({ details: { ids: ["j_p0"], waitedMs: 2_050 } });
    expect(clock.pendingCount).toBe(0);
  });

  it("is refused when no other number can be had, and nothing is sent", async () => {
    const { outbox, clock, requests, drawing } = anOutbox();
    drawing.refusedBy = new UnjamError("UNJAM_STORE_LOCKED", { file: "jobs.db", waitedMs: 1 });
    const one = outbox.add(someOrder(), 1, "1");
    const all = outbox.addAll(someOrder({ atomic: true }), [2, 3], ["2", "3"]);
    const ends = endsOf([one, all]);
    await clock.settle();

    outbox.answered({ type: "added", batch: 0, outcomes: [[0, NUMBER_TAKEN]] });
    outbox.answered({ type: "added", batch: 1, outcomes: [[0, NUMBER_TAKEN]] });

    expect(await ends).toEqual(["UNJAM_STORE_LOCKED", "UNJAM_STORE_LOCKED"]);
    expect(requests()).toHaveLength(2);
    expect(outbox.waits()).toEqual([]);
  });
});
