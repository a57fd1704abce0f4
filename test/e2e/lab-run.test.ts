import { describe, expect, it } from "vitest";
import { runProgram } from "../../src/edges/lab/program-run.ts";
import type { Scenario } from "../../src/edges/lab/scenario.ts";
import { runScenario } from "../../src/edges/lab/scenario-run.ts";
import { SCENARIOS } from "../../src/edges/lab/scenarios.ts";

/** Whose programs do not end as they should: the naive one crashes, the sound one never ends. */
const ODD: Scenario = {
  ...{ name: "odd", summary: "", unit: "items", lesson: "" },
  home: new URL("./fixtures/odd-lab/scenario.ts", import.meta.url).href,
  naive: { builtOn: "a bug", expected: { kind: "hung" } },
  sound: { builtOn: "a loop", expected: { kind: "result" } },
};
const signal = new AbortController().signal;
const onLine = (): void => undefined;

describe("a program of the lab", () => {
  it("that crashes is not taken for one that hangs", async () => {
    const run = await runProgram(ODD, "naive", { timeMs: 60_000, signal, onLine });

    expect(run).toMatchObject({ ending: { kind: "crashed" }, isAsExpected: false });
    expect(run.ending).toMatchObject({
      text: expect.stringContaining("TypeError: a bug of its own") as string,
    });
  });

  it("that is ended while it waits for nothing is late, which is no proof of a hang", async () => {
    const run = await runProgram(ODD, "sound", { timeMs: 1_000, signal, onLine });

    expect(run).toMatchObject({ ending: { kind: "late" }, isAsExpected: false, waitsFor: null });
  });

  it("that ends with another error than expected is not as expected", async () => {
    const [, selfWait = ODD] = SCENARIOS;
    const expected = { kind: "error", code: "UNJAM_JOIN_TIMEOUT" } as const;
    const scenario = { ...selfWait, sound: { ...selfWait.sound, expected } };

    const run = await runProgram(scenario, "sound", { timeMs: 60_000, signal, onLine });

    expect(run).toMatchObject({ ending: { code: "UNJAM_DEADLOCK" }, isAsExpected: false });
  });

  it("is ended by the signal, and both runs reject with its reason", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    const pids: number[] = [];

    const runs = runScenario(ODD, {
      ...{ timeMs: 60_000, signal: stop.signal },
      onLine: ({ text }) => {
        pids.push(Number(/process (\d+)/.exec(text)?.[1]));
        if (pids.length === 2) stop.abort(reason);
      },
    });

    await expect(runs).rejects.toBe(reason);
    expect(() => process.kill(pids[1] ?? 0, 0)).toThrow();
  });
});
