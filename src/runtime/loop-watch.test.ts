import { describe, expect, it } from "vitest";
import type { ProbeAnswer } from "../stack/main-probe.ts";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import { type LoopBlock, LoopWatch } from "./loop-watch.ts";

/** A main loop that the test blocks and frees, and what the watch says about it. */
function aWatchedLoop(answers: (asked: number) => ProbeAnswer) {
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

function inJob(id: number): ProbeAnswer {
  const moment = { task: "resize", id, stack: "    at spin" };
  return { kind: "answered", value: JSON.stringify(moment), tookMs: 1 };
}

describe("the loop watch", () => {
  it("names the handler that it found twice in one block, with the time from beat to beat", async () => {
    const { clock, blocks, turn } = aWatchedLoop(() => inJob(7));
    await turn(100);

    await clock.advance(210);
    await turn(50);

    expect(blocks).toHaveLength(1);
    expect(blocks[0]?.moment).toMatchObject({ id: 7, task: "resize" });
    expect(blocks[0]?.blockedMs).toBe(200);
  });

  it("names nobody when the second look finds another handler", async () => {
    const { clock, blocks, turn } = aWatchedLoop((asked) => inJob(asked));
    await turn(100);

    await clock.advance(200);
    await turn(50);

    expect(blocks).toHaveLength(1);
    expect(blocks[0]?.moment).toBeUndefined();
  });

  it("names nobody when main sits in native code and does not answer", async () => {
    const { clock, blocks, turn } = aWatchedLoop(() => ({ kind: "silent" }));
    await turn(100);

    await clock.advance(200);
    await turn(50);

    expect(blocks).toHaveLength(1);
    expect(blocks[0]?.moment).toBeUndefined();
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
