import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Call } from "./call.ts";
import { CallDeadlines } from "./call-deadlines.ts";

const target = { name: "f", index: 0, estimateMs: undefined };
const aCall = (): Call => new Call(target, 10, 0);

describe("deadlines of calls", () => {
  it("come in the order of their time, whatever their length", () => {
    const deadlines = new CallDeadlines();
    const [long, short] = [aCall(), aCall()];

    deadlines.add(long, 100, 0);
    deadlines.add(short, 10, 50);

    expect(deadlines.nextAt()).toBe(60);
    expect(deadlines.due(60)).toEqual([short]);
    expect(deadlines.nextAt()).toBe(100);
    expect(deadlines.due(100)).toEqual([long]);
    expect(deadlines.nextAt()).toBeNull();
  });

  it("are forgotten when the call ends, in whatever order", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 50 }), (keeps) => {
        const deadlines = new CallDeadlines();
        const calls = keeps.map(() => aCall());
        for (const call of calls) deadlines.add(call, 10, 0);

        const kept = calls.filter((_, index) => keeps[index]);
        for (const call of calls) if (!kept.includes(call)) deadlines.remove(call);

        expect(deadlines.due(10)).toEqual(kept);
      }),
    );
  });

  it("are removed twice without harm", () => {
    const deadlines = new CallDeadlines();
    const [one, other] = [aCall(), aCall()];
    deadlines.add(one, 10, 0);
    deadlines.add(other, 10, 0);

    deadlines.remove(one);
    deadlines.remove(one);

    expect(deadlines.due(10)).toEqual([other]);
  });
});
