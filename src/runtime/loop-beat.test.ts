import { expect, it } from "vitest";
import { SteppedClock } from "../../test/runtime/stepped-clock.ts";
import { type LateBeat, LoopBeat, newBeatMemory, readBeat } from "./loop-beat.ts";

function aBeat() {
  const clock = new SteppedClock();
  const memory = newBeatMemory();
  const state = { isBusy: true, starts: 0 };
  const beats: (LateBeat | undefined)[] = [];
  const beat = new LoopBeat(memory, {
    clock,
    timers: clock,
    isBusy: () => state.isBusy,
    onStart: () => state.starts++,
    onBeat: (late) => beats.push(late),
  });
  return { beat, beats, clock, memory, state };
}

it("shows the present while handlers run", async () => {
  const { beat, clock, memory } = aBeat();

  beat.start();
  await clock.advance(1_000);

  expect(clock.now() - readBeat(memory)).toBeLessThanOrEqual(10);
});

it("falls still, without a timer, once none runs", async () => {
  const { beat, clock, memory, state } = aBeat();
  beat.start();

  state.isBusy = false;
  await clock.advance(20);

  expect(readBeat(memory)).toBe(0);
  expect(clock.pendingCount).toBe(0);
});

it("tells the watcher each time it begins, and not while it goes on", async () => {
  const { beat, clock, state } = aBeat();

  beat.start();
  beat.start();
  await clock.advance(50);
  state.isBusy = false;
  await clock.advance(50);
  state.isBusy = true;
  beat.start();

  expect(state.starts).toBe(2);
});

it("knows which beat came late, and from when to when the loop did not turn", async () => {
  const { beat, beats, clock, state } = aBeat();
  beat.start();
  await clock.advance(10);
  const from = clock.now();

  clock.freeze(55);
  await clock.advance(5);
  const onTime = beats.filter((late) => late !== undefined);
  clock.freeze(56);
  state.isBusy = false;
  await clock.advance(5);

  expect(onTime).toEqual([]);
  expect(beats.at(-1)).toEqual({
    from: expect.any(Number) as number,
    to: expect.any(Number) as number,
  });
  expect(beats.at(-1)?.from).toBeGreaterThan(from);
});
