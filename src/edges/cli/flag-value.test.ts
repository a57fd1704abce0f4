import { describe, expect, it } from "vitest";
import { readCount, readDuration, readNames, showDuration } from "./flag-value.ts";

describe("a duration on the command line", () => {
  it.each([
    ["0", 0],
    ["1500", 1_500],
    ["500ms", 500],
    ["30s", 30_000],
    ["1.5s", 1_500],
    ["5m", 300_000],
    ["2h", 7_200_000],
  ])("%s is %i ms", (text, ms) => {
    expect(readDuration(text, "--delay", "unjam")).toBe(ms);
  });

  it.each(["", "s", "5sec", "5 s", "-5s", "1e3", "5d", "0x10", "Infinity", "5S"])(
    "%j is none",
    (text) => {
      expect(() => readDuration(text, "--delay", "unjam")).toThrow(
        expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
      );
    },
  );

  it.each([
    [0, "0ms"],
    [-5, "0ms"],
    [999, "999ms"],
    [1_000, "1s"],
    [59_999, "1m"],
    [312_000, "5m 12s"],
    [3_600_000, "1h"],
    [3_605_000, "1h"],
    [97_200_000, "1d 3h"],
  ])("of %i ms is shown as %s", (ms, text) => {
    expect(showDuration(ms)).toBe(text);
  });
});

describe("a count", () => {
  it.each(["", "1.5", "-1", "1e3", "many", "1".repeat(16)])("is not %j", (text) => {
    expect(() => readCount(text, "--limit", "unjam")).toThrow(
      expect.objectContaining({ code: "UNJAM_INVALID_OPTION" }),
    );
  });
});

describe("names", () => {
  it("are cut at commas, and may have blanks around them", () => {
    expect(readNames("a, b ,c/d")).toEqual(["a", "b", "c/d"]);
  });
});
