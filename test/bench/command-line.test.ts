import { expect, it } from "vitest";
import { readCommandLine } from "../../bench/command-line.ts";

it("a benchmark's gates are not held against sizes whose figures mean nothing", () => {
  expect(() => readCommandLine(["sqlite", "--gate", "--tiny"])).toThrow(/--tiny/);
  expect(readCommandLine(["sqlite", "--gate"])).toMatchObject({ gate: true, tiny: false });
});
