import { setFlagsFromString } from "node:v8";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { QueueStage, watch } from "../../test/sync/queue-stage.ts";
import type { Lease } from "./lease.ts";

describe("a stack overflow", () => {
  // Optimized code puts many calls into one frame, and hides where a call may end.
  beforeAll(() => setFlagsFromString("--no-opt"));
  afterAll(() => setFlagsFromString("--opt"));

  it("inside any call leaves the queue whole: what was told is what is there", async () => {
    const stage = new QueueStage<number>({ capacity: 1_000_000, diagnostics: "off" });
    const { queue } = stage;
    const waiting = Array.from({ length: 200 }, () => watch(queue.get()));
    let addedCount = 0;
    let doneCount = 0;
    /** Of which done met the end of the stack. */
    const unsettled = new Set<Lease<number>>();
    const steps = [
      () => {
        if (queue.tryPut(1)) addedCount++;
      },
      () => {
        watch(queue.put(2));
        addedCount++;
      },
      () => {
        const lease = queue.tryGet();
        if (lease === undefined) return;
        unsettled.add(lease);
        lease.done();
        unsettled.delete(lease);
        doneCount++;
      },
    ];
    let calls = 0;
    /** Calls a step at every depth down to the last one that the stack has. */
    const dig = (pad: number): number => {
      try {
        steps[calls++ % steps.length]?.();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      return dig(pad + 1) + 1;
    };

    /** Moves the end of the stack by a few words against the frames of the calls. */
    const shifted = (frames: number): number => (frames === 0 ? dig(0) : shifted(frames - 1) + 1);

    for (let round = 0; round < 60; round++) {
      expect(() => shifted(round)).toThrow(RangeError);
    }
    for (const lease of unsettled) {
      lease.done();
      doneCount++;
    }
    await stage.rest();

    const leasedCount = waiting.filter(({ isPending }) => !isPending).length;
    expect(queue.unfinished).toBe(addedCount - doneCount);
    expect(queue.size).toBe(addedCount - doneCount - leasedCount);
    expect(queue.holders()).toHaveLength(leasedCount);
    expect(queue.size === 0 || leasedCount === waiting.length).toBe(true);
    expect(stage.drain()).toHaveLength(addedCount - doneCount - leasedCount);
  });
});

describe("a stack overflow inside an ask", () => {
  // Code of either compiler may throw also where it gives up an assumption, between any two steps.
  beforeAll(() => {
    setFlagsFromString("--no-opt");
    setFlagsFromString("--no-maglev");
  });
  afterAll(() => {
    setFlagsFromString("--opt");
    setFlagsFromString("--maglev");
  });

  it("leaves it in the queue or refused, and every other ask with its own answer", async () => {
    const stage = new QueueStage<number, number>({ capacity: 1_000_000, diagnostics: "off" });
    const { queue } = stage;
    const asks: { readonly value: number; readonly answer: Promise<number> }[] = [];
    let value = 0;
    const dig = (pad: number): number => {
      try {
        value++;
        const answer = queue.ask(value);
        // Without a call, for which there may be no room where there was for the ask.
        asks[asks.length] = { value, answer };
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      return dig(pad + 1) + 1;
    };
    const shifted = (frames: number): number => (frames === 0 ? dig(0) : shifted(frames - 1) + 1);

    for (let round = 0; round < 40; round++) expect(() => shifted(round)).toThrow(RangeError);
    const queuedCount = queue.size;
    queue.consume((asked) => asked);
    const answers = await Promise.allSettled(asks.map(({ answer }) => answer));

    const answered = answers.flatMap((end, at) =>
      end.status === "fulfilled" ? [[end.value, asks[at]?.value]] : [],
    );
    expect(queuedCount).toBeGreaterThan(10_000);
    expect(answered).toHaveLength(queuedCount);
    expect(answered.filter(([told, asked]) => told !== asked)).toEqual([]);
  });
});
