import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatJobId, parseJobId } from "./job-id.ts";

describe("a job id", () => {
  it("is j_ and the number in base 36", () => {
    expect(formatJobId(1)).toBe("j_1");
    expect(formatJobId(35)).toBe("j_z");
    expect(formatJobId(36)).toBe("j_10");
  });

  it("comes back as its number, up to the largest whole one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (id) => {
        expect(parseJobId(formatJobId(id))).toBe(id);
      }),
      { examples: [[1], [Number.MAX_SAFE_INTEGER]] },
    );
  });

  it("is nothing else: other texts are callers' own ids", () => {
    const others = [
      "",
      "j_",
      "j-1",
      "J_1",
      "j_A",
      " j_1",
      "j_1 ",
      "j_1\n",
      "j_-1",
      "j_1.5",
      "1",
      "order-1",
    ];

    for (const other of others) expect(parseJobId(other)).toBeUndefined();
  });

  it("is never 0 and never above the largest whole number", () => {
    expect(parseJobId("j_0")).toBeUndefined();
    expect(parseJobId("j_2gosa7pa2gv")).toBe(Number.MAX_SAFE_INTEGER);
    expect(parseJobId("j_2gosa7pa2gw")).toBeUndefined();
    expect(parseJobId("j_zzzzzzzzzzz")).toBeUndefined();
    expect(parseJobId("j_100000000000")).toBeUndefined();
  });
});
