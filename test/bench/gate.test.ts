import { describe, expect, it } from "vitest";
import { always, bound, difference, type Gate, ratio, type Verdict } from "../../bench/gate.ts";
import { mediaCases } from "../../bench/health/media-cases.ts";
import type { CaseResult } from "../../bench/rounds.ts";

/** What came of a case whose implementations gave these figures, one for each round. */
function result(metric: string, rounds: Readonly<Record<string, readonly number[]>>): CaseResult {
  const probe = { script: new URL(import.meta.url), settings: {} };
  return {
    case: {
      ...{ name: "one", about: "one", measure: metric, better: "lower", columns: [] },
      ...{ implementations: [], gates: [] },
    },
    measured: Object.entries(rounds).map(([name, values]) => ({
      implementation: { ...probe, name, role: "ours", durability: "none" },
      rounds: values.map((value) => ({ [metric]: value })),
      failure: undefined,
    })),
  };
}

function judged(gate: Gate, rounds: Readonly<Record<string, readonly number[]>>): Verdict {
  return gate.judge(result("n", rounds));
}

function failed(name: string, { measured, ...rest }: CaseResult): CaseResult {
  return {
    ...rest,
    measured: measured.map((one) =>
      one.implementation.name === name ? { ...one, failure: "it crashed" } : one,
    ),
  };
}

const OURS = { of: "unjam", metric: "n" };

describe("a gate", () => {
  it("on a bound judges the median of the rounds", () => {
    expect(judged(bound(OURS, { atMost: 5 }), { unjam: [4, 9, 5] })).toEqual({
      kind: "held",
      value: 5,
    });
    expect(judged(bound(OURS, { atLeast: 6 }), { unjam: [4, 9, 5] })).toEqual({
      kind: "missed",
      value: 5,
    });
  });

  it("on what must hold in every round is missed by the worst of them", () => {
    expect(judged(always(OURS, { atMost: 0 }), { unjam: [0, 1, 0] })).toEqual({
      kind: "missed",
      value: 1,
    });
    expect(judged(always(OURS, { atLeast: 2 }), { unjam: [3, 1, 2] })).toEqual({
      kind: "missed",
      value: 1,
    });
    expect(judged(always(OURS, { atMost: 0 }), { unjam: [0, 0, 0] })).toEqual({
      kind: "held",
      value: 0,
    });
  });

  it("on a ratio compares round by round, with the best of the others", () => {
    const figures = { unjam: [10, 20, 40], slow: [1, 1, 1], fast: [10, 10, 10] };

    expect(judged(ratio(OURS, { atLeast: 2 }, ["slow", "fast"]), figures)).toEqual({
      kind: "held",
      value: 2,
    });
    expect(judged(ratio(OURS, { atMost: 2 }, ["slow", "fast"]), figures)).toEqual({
      kind: "missed",
      value: 20,
    });
  });

  it.each([
    ["bound", bound(OURS, { atMost: 1 })],
    ["always", always(OURS, { atMost: 1 })],
    ["ratio", ratio(OURS, { atMost: 1 }, ["peer"])],
    ["difference", difference(OURS, { atMost: 1 }, ["peer"])],
  ])("whose figures are missing is not held: %s", (_kind, gate) => {
    expect(judged(gate, { peer: [1], unjam: [] })).toMatchObject({ kind: "not measured" });
    expect(judged(gate, { peer: [1] })).toMatchObject({ kind: "not measured" });
  });

  it.each([
    ["ratio", ratio(OURS, { atMost: 1 }, ["peer"])],
    ["difference", difference(OURS, { atMost: 1 }, ["peer"])],
  ])("whose peer is missing is not held: %s", (_kind, gate) => {
    expect(judged(gate, { unjam: [1] })).toMatchObject({ kind: "not measured" });
  });

  it("is not held by the rounds before its subject failed", () => {
    const early = failed("unjam", result("n", { unjam: [1, 1], peer: [1, 1] }));

    for (const gate of [
      bound(OURS, { atMost: 1 }),
      always(OURS, { atMost: 1 }),
      ratio(OURS, { atMost: 1 }, ["peer"]),
    ]) {
      expect(gate.judge(early)).toMatchObject({ kind: "not measured" });
    }
  });

  it("on the best of several is not held while one of them failed", () => {
    const gate = ratio(OURS, { atLeast: 7 }, ["slow", "fast"]);
    const figures = result("n", { unjam: [8], slow: [1], fast: [] });

    expect(gate.judge(failed("fast", figures))).toMatchObject({ kind: "not measured" });
  });
});

describe("the media cases", () => {
  it.each([0, 1])("miss a gate when one round of three loses an upload: case %i", async (index) => {
    const runProbe = async (): Promise<Readonly<Record<string, number>>> => ({
      width: 1,
      jobMs: 1,
    });
    const cases = await mediaCases({ isTiny: false, folder: "unused", runProbe });
    const lossless = cases[index]?.gates.find(({ about }) => about.includes("lostCount"));

    expect(lossless?.judge(result("lostCount", { unjam: [0, 1, 0] }))).toMatchObject({
      kind: "missed",
    });
  });
});
