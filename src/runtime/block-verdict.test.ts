import { describe, expect, it } from "vitest";
import { type AskedLook, blockVerdict } from "./block-verdict.ts";

/** The loop did not turn from 100 to 200. */
const BLOCK = { from: 100, to: 200 };

function aLook(id: number | null, at: number, askedAt = at - 1): AskedLook {
  return { at, askedAt, moment: id === null ? null : { task: "resize", id, stack: "    at spin" } };
}

describe("a block of the main loop", () => {
  it("is a handler's that was there at both looks", () => {
    const verdict = blockVerdict([aLook(7, 141), aLook(7, 150)], BLOCK);

    expect(verdict).toMatchObject({ kind: "handler", moment: { id: 7 } });
  });

  it("is a handler's that came back from native code after a while", () => {
    const verdict = blockVerdict([aLook(7, 199, 141)], BLOCK);

    expect(verdict).toMatchObject({ kind: "handler", moment: { id: 7 } });
  });

  it("is not known to be a handler's that was seen for a moment only", () => {
    expect(blockVerdict([aLook(7, 142)], BLOCK)).toMatchObject({
      kind: "unknown",
      seen: { id: 7 },
    });
  });

  it.each([
    ["two handlers after each other", [aLook(7, 141), aLook(8, 150)]],
    ["a handler and then other code", [aLook(7, 141), aLook(null, 150)]],
    ["other code", [aLook(null, 199, 141)]],
  ])("is nobody's when %s ran", (_what, looks) => {
    expect(blockVerdict(looks, BLOCK)).toEqual({ kind: "nobody" });
  });

  it("is not blamed on whoever answers after it", () => {
    expect(blockVerdict([aLook(7, 201, 141)], BLOCK)).toEqual({ kind: "unknown", seen: null });
  });
});
