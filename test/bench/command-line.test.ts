import { expect, it } from "vitest";
import { readCommandLine } from "../../bench/command-line.ts";

it("a benchmark's gates are not held against sizes whose figures mean nothing", () => {
  expect(() => readCommandLine(["sqlite", "--gate", "--tiny"])).toThrow(/--tiny/);
  expect(readCommandLine(["sqlite", "--gate"])).toMatchObject({ gate: true, tiny: false });
});

it("nor against fewer rounds than tell luck from a figure", () => {
  expect(() => readCommandLine(["sqlite", "--gate", "--rounds", "2"])).toThrow(/3 rounds/);
  expect(readCommandLine(["sqlite", "--gate", "--rounds", "3"])).toMatchObject({ rounds: 3 });
});
