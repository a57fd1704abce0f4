import { describe, expect, it } from "vitest";
import { POOL_STAGE_BYTES_MAX } from "../../core/limits.ts";
import { Stages } from "./stages.ts";

describe("the stages of a pool", () => {
  it("hold a copy of what they were given", () => {
    const bytes = new Uint8Array(100_000).fill(1);

    const stage = new Stages().copy(bytes);
    bytes.fill(2);

    expect(stage).toHaveLength(100_000);
    expect(new Set(stage)).toEqual(new Set([1]));
  });

  it("are used again once they were given back, and not before", () => {
    const stages = new Stages();
    const first = stages.copy(new Uint8Array(100_000));
    const second = stages.copy(new Uint8Array(90_000));
    stages.giveBack(first.buffer);

    const third = stages.copy(new Uint8Array(80_000).fill(3));
    const fourth = stages.copy(new Uint8Array(80_000));

    expect(third.buffer).toBe(first.buffer);
    expect(third).toHaveLength(80_000);
    expect(fourth.buffer).not.toBe(first.buffer);
    expect(fourth.buffer).not.toBe(second.buffer);
  });

  it("are not kept beyond a bound", () => {
    const stages = new Stages();
    const half = POOL_STAGE_BYTES_MAX / 2;
    const memories = [1, 2, 3].map(() => new SharedArrayBuffer(half));
    for (const memory of memories) stages.giveBack(memory);

    const taken = memories.map(() => stages.copy(new Uint8Array(half)).buffer);

    expect(taken.filter((memory) => memories.includes(memory))).toHaveLength(2);
  });
});
