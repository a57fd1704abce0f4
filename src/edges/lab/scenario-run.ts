import { type ProgramRun, runProgram, type RunTerms } from "./program-run.ts";
import type { Scenario } from "./scenario.ts";

/** Runs both programs of a scenario at once, the naive one first in the answer. */
export async function runScenario(
  scenario: Scenario,
  { signal, ...terms }: RunTerms,
): Promise<readonly ProgramRun[]> {
  // When one cannot be started, the other must not be left running.
  const giveUp = new AbortController();
  const either = AbortSignal.any([signal, giveUp.signal]);
  const names = ["naive", "sound"] as const;
  const runs = names.map((name) => runProgram(scenario, name, { ...terms, signal: either }));
  try {
    return await Promise.all(runs);
  } catch (error) {
    giveUp.abort(error);
    await Promise.allSettled(runs);
    throw error;
  }
}
