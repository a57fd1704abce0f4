import { describe, expect, it } from "vitest";
import type { ProbeAnswer } from "../stack/main-probe.ts";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import { type LoopBlock, LoopWatch } from "./loop-watch.ts";

/** A main loop that the test blocks and frees, and what the watch says about it. */
function aWatchedLoop(answers: (asked: number) => ProbeAnswer | Promise<ProbeAnswer>) {
  const clock = new SteppedClock();
  const blocks: LoopBlock[] = [];
  const loop = { beat: clock.now(), askedCount: 0 };
  const watch = new LoopWatch({
    readBeat: () => loop.beat,
    clock,
    timers: clock,
    probe: async () => answers(++loop.askedCount),
    onBlock: (block) => blocks.push(block),
  });
  watch.start();
  return {
    clock,
    blocks,
    loop,
    /** The loop turns every 10 ms for so long. */
    turn: async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 10) {
        loop.beat = clock.now();
        await clock.advance(10);
      }
      loop.beat = clock.now();
    },
  };
}

function inJob(id: number, at = 1): ProbeAnswer {
  const moment = { task: "resize", id, stack: "    at spin" };
  return { kind: "answered", value: JSON.stringify({ at, moment }), tookMs: 1 };
}

describe("the loop watch", () => {
  it("asks twice in one block, and tells what it was answered once the loop turns again", async () => {
    const { clock, blocks, loop, turn } = aWatchedLoop((asked) => inJob(7, asked));
    await turn(100);
    const lastBeat = loop.beat;

    await clock.advance(210);
    const during = [...blocks];
    await turn(50);

    expect(during).toEqual([]);
    expect(blocks).toMatchObject([
      { lastBeat, looks: [{ at: 1, moment: { id: 7, task: "resize" } }, { at: 2 }] },
    ]);
    const [first, second] = blocks[0]?.looks ?? [];
    expect((first?.askedAt ?? 0) - lastBeat).toBeLessThanOrEqual(42);
    expect((second?.askedAt ?? 0) - (first?.askedAt ?? 0)).toBe(8);
  });

  it("waits for an answer that comes with the end of the block, but not for long", async () => {
    const late = Promise.withResolvers<ProbeAnswer>();
    const { clock, blocks, turn } = aWatchedLoop(() => late.promise);
    await turn(100);

    await clock.advance(200);
    await turn(50);
    const before = [...blocks];
    late.resolve(inJob(7));
    await turn(10);
    const never = aWatchedLoop(() => new Promise(() => undefined));
    await never.turn(100);
    await never.clock.advance(200);
    await never.turn(200);

    expect(before).toEqual([]);
    expect(blocks).toMatchObject([{ looks: [{ moment: { id: 7 } }] }]);
    expect(never.blocks).toMatchObject([{ looks: [] }]);
  });

  it("tells of a block also when main cannot be asked", async () => {
    const { clock, blocks, turn } = aWatchedLoop(() => ({ kind: "silent" }));
    await turn(100);

    await clock.advance(200);
    await turn(50);

    expect(blocks).toMatchObject([{ looks: [] }]);
  });

  it("takes no notice of a loop that is late by less than the limit", async () => {
    const { clock, blocks, loop, turn } = aWatchedLoop(() => inJob(7));
    await turn(100);

    await clock.advance(39);
    await turn(50);

    expect(blocks).toEqual([]);
    expect(loop.askedCount).toBe(0);
  });

  it("blames nobody for a pause of the whole machine", async () => {
    const { clock, blocks, loop, turn } = aWatchedLoop(() => inJob(7));
    await turn(100);

    clock.freeze(5_000);
    await turn(50);

    expect(blocks).toEqual([]);
    expect(loop.askedCount).toBe(0);
  });

  it("reports one block once, however long it lasts", async () => {
    const { clock, blocks, loop, turn } = aWatchedLoop(() => inJob(7));
    await turn(100);

    await clock.advance(10_000);
    await turn(100);

    expect(blocks).toHaveLength(1);
    expect(loop.askedCount).toBe(2);
  });

  it("leaves no timer once the loop is still, and goes on when it beats again", async () => {
    const { clock, loop, turn } = aWatchedLoop(() => inJob(7));
    await turn(100);

    loop.beat = 0;
    await clock.advance(100);

    expect(clock.pendingCount).toBe(0);
  });
});
