import { describe, expect, it } from "vitest";
import {
  ABORT_ACK_MS,
  ABORT_GRACE_MS,
  HEARD_MS,
  LOCATE_MS_MAX,
  SPARE_LEAD_MS,
} from "../core/limits.ts";
import { climb, nextStep, type RunFacts, type Step } from "./kill-ladder.ts";

const START = 5_000_000;
const DEADLINE = START + 10_000;
const SPARE_AT = START + 8_000;

/** Work of ten seconds that may run, of a crew that has a spare. */
const RUNNING: RunFacts = {
  ...{ startedAt: START, deadlineAt: DEADLINE, toldAt: null, hasHeard: false },
  ...{ inquiry: "open", isReplaced: false, keepsPlace: false, lacksSpare: false },
};
/** Told at its deadline, and nobody asks where it is. */
const TOLD: RunFacts = { ...RUNNING, toldAt: DEADLINE, inquiry: "over" };
const ACK = DEADLINE + ABORT_ACK_MS;
const GRACE = DEADLINE + ABORT_GRACE_MS;
const KNOWN = DEADLINE + LOCATE_MS_MAX;

const wait = (until: number): Step => ({ do: "wait", until });
const warm: Step = { do: "warm" };
const tell: Step = { do: "tell" };
const locate: Step = { do: "locate" };
const replace: Step = { do: "replace" };
const end: Step = { do: "end" };

type Row = readonly [what: string, facts: Partial<RunFacts>, at: number, step: Step];

const BEFORE: readonly Row[] = [
  ["has just begun", {}, START, wait(SPARE_AT)],
  ["is not near its deadline", { lacksSpare: true }, SPARE_AT - 1, wait(SPARE_AT)],
  ["is near it, without a spare", { lacksSpare: true }, SPARE_AT, warm],
  ["is near it, and there is a spare", {}, SPARE_AT, wait(DEADLINE)],
  ["is right before it", {}, DEADLINE - 1, wait(DEADLINE)],
  ["is at its deadline", {}, DEADLINE, tell],
  ["is at it without a spare: first it is told", { lacksSpare: true }, DEADLINE, tell],
  ["is looked at long after it", {}, DEADLINE + 60_000, tell],
];

const SHORT: readonly Row[] = [
  [
    "of half a second has its spare in time",
    { deadlineAt: START + 500 },
    START,
    wait(START + 500 - SPARE_LEAD_MS),
  ],
  [
    "that takes no longer than a thread's start has it at once",
    { deadlineAt: START + SPARE_LEAD_MS, lacksSpare: true },
    START,
    warm,
  ],
];

const TOLD_TO_STOP: readonly Row[] = [
  ["and lacks a spare", { lacksSpare: true }, DEADLINE, warm],
  ["lacks one, but has its successor", { lacksSpare: true, isReplaced: true }, ACK, end],
  ["may hear it yet", { inquiry: "open" }, DEADLINE, wait(DEADLINE + HEARD_MS)],
  ["has had time to hear it", { inquiry: "open" }, DEADLINE + HEARD_MS, locate],
  ["was not looked at in time", { inquiry: "open" }, GRACE + 1, locate],
  ["is being asked", { inquiry: "asked" }, ACK - 1, wait(ACK)],
  ["is of no interest", {}, DEADLINE, wait(ACK)],
  ["has heard, within the time for it", { hasHeard: true }, ACK - 1, wait(ACK)],
];

const PAST_HEARING: readonly Row[] = [
  ["is blocked", {}, ACK, replace],
  ["is blocked and replaced", { isReplaced: true }, ACK, end],
  ["is still being asked: its place does not wait for that", { inquiry: "asked" }, ACK, replace],
  ["is still being asked, and replaced", { inquiry: "asked", isReplaced: true }, ACK, wait(KNOWN)],
  ["is asked in vain", { inquiry: "asked", isReplaced: true }, KNOWN, end],
  ["has heard", { hasHeard: true }, ACK, replace],
  ["has heard and was replaced", { hasHeard: true, isReplaced: true }, ACK, wait(GRACE)],
  ["has heard and keeps its place", { hasHeard: true, keepsPlace: true }, ACK, wait(GRACE)],
  ["is blocked, where one that hears keeps its place", { keepsPlace: true }, ACK, replace],
  [
    "hears only after it was replaced",
    { hasHeard: true, keepsPlace: true, isReplaced: true },
    ACK + 1,
    wait(GRACE),
  ],
  ["has used up its grace", { hasHeard: true, isReplaced: true }, GRACE, end],
  ["has used up its grace in its own place", { hasHeard: true, keepsPlace: true }, GRACE, replace],
];

describe("the kill ladder, for work that may run and", () => {
  it.each(BEFORE)("%s", (...[, facts, at, step]) => {
    expect(nextStep({ ...RUNNING, ...facts }, at)).toEqual(step);
  });
});

describe("the kill ladder, for a call or attempt", () => {
  it.each(SHORT)("%s", (...[, facts, at, step]) => {
    expect(nextStep({ ...RUNNING, ...facts }, at)).toEqual(step);
  });
});

describe("the kill ladder, for work that was told to stop and", () => {
  it.each([...TOLD_TO_STOP, ...PAST_HEARING])("%s", (...[, facts, at, step]) => {
    expect(nextStep({ ...TOLD, ...facts }, at)).toEqual(step);
  });

  it("was told so before its deadline: all times count from then", () => {
    const told = { ...TOLD, toldAt: START + 1_000 };

    expect(nextStep(told, START + 1_000)).toEqual(wait(START + 1_000 + ABORT_ACK_MS));
  });
});

describe("the kill ladder, climbed from wait to wait", () => {
  /** All steps of work with a crew that has no spare yet. */
  function climbAll(facts: Partial<RunFacts>): [step: string, afterMs: number][] {
    let run: RunFacts = { ...RUNNING, lacksSpare: true, ...facts };
    let now = START;
    const steps: [string, number][] = [];
    const take = (step: string, change: Partial<RunFacts>) => (): void => {
      steps.push([step, now - DEADLINE]);
      run = { ...run, ...change };
    };
    const climber = {
      facts: () => run,
      warm: take("warm", { lacksSpare: false }),
      tell: () => take("tell", { toldAt: now })(),
      locate: take("locate", { inquiry: "asked" }),
      replace: take("replace", { isReplaced: true }),
      end: take("end", {}),
    };
    const clock = { now: () => now, wallNow: () => 0 };
    for (let until = climb(clock, climber); until !== null; until = climb(clock, climber)) {
      expect(until).toBeGreaterThan(now);
      now = until;
    }
    return steps;
  }

  it.each([
    ["blocked", {}, LOCATE_MS_MAX],
    ["awaiting", { hasHeard: true }, ABORT_GRACE_MS],
  ] as const)("comes to its end for a %s loop, by each step once", (_what, facts, endsAfterMs) => {
    expect(climbAll(facts)).toEqual([
      ["warm", SPARE_AT - DEADLINE],
      ["tell", 0],
      ["locate", HEARD_MS],
      ["replace", ABORT_ACK_MS],
      ["end", endsAfterMs],
    ]);
  });
});
