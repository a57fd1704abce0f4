import { describe, expect, it } from "vitest";
import { siteInWords, siteKindOf, UNKNOWN_PLACE } from "./site-words.ts";

describe("a call site in words", () => {
  it.each([
    ["exact", "a.ts:1"],
    ["sampled", "a.ts:1, sampled"],
    ["per loop", "a.ts:1, where the loop began"],
    ["off", "a.ts:1"],
    [null, "a.ts:1"],
    [undefined, "a.ts:1"],
  ] as const)("of kind %s is %s", (kind, words) => {
    expect(siteInWords("a.ts:1", kind)).toBe(words);
  });

  it("that is not known is worth nothing", () => {
    expect(siteInWords(UNKNOWN_PLACE, "sampled")).toBe(UNKNOWN_PLACE);
  });
});

describe("the kind of a call site", () => {
  it("is read from its text; one that was cut names none", () => {
    expect(["exact", "sampled", "per loop", "off", "sampl", "", undefined].map(siteKindOf)).toEqual(
      ["exact", "sampled", "per loop", "off", null, null, null],
    );
  });
});
