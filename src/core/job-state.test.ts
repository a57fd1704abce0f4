import { describe, expect, it } from "vitest";
import { InvariantViolation } from "./invariant.ts";
import {
  drawJobStates,
  JOB_EVENTS,
  JOB_STATES,
  type JobState,
  nextState,
  STATE_FACTS,
  transition,
} from "./job-state.ts";

function reachableFrom(start: JobState): ReadonlySet<JobState> {
  const reached = new Set([start]);
  for (const state of reached) {
    for (const event of JOB_EVENTS) {
      const to = nextState(state, event);
      if (to !== undefined) reached.add(to);
    }
  }
  return reached;
}

describe("the table of job states", () => {
  it("has these moves and no others", () => {
    const moves = JOB_STATES.flatMap((from) =>
      JOB_EVENTS.flatMap((event) => {
        const to = nextState(from, event);
        return to === undefined ? [] : [`${from} ${event} ${to}`];
      }),
    );

    expect(moves).toEqual([
      "scheduled comeDue ready",
      "scheduled cancel cancelled",
      "scheduled expire expired",
      "scheduled drop dropped",
      "ready claim leased",
      "ready cancel cancelled",
      "ready expire expired",
      "ready drop dropped",
      "leased succeed done",
      "leased failForRetry scheduled",
      "leased failForGood dead",
      "leased handBack ready",
      "leased loseLease ready",
      "leased poison dead",
      "leased cancel cancelled",
      "dead revive ready",
      "cancelled revive ready",
      "expired revive ready",
      "dropped revive ready",
    ]);
  });

  it("leads from a new job to every state", () => {
    expect([...reachableFrom("ready")].toSorted()).toEqual([...JOB_STATES].toSorted());
    expect([...reachableFrom("scheduled")].toSorted()).toEqual([...JOB_STATES].toSorted());
  });

  it("lets no done job move again", () => {
    expect([...reachableFrom("done")]).toEqual(["done"]);
  });

  it("uses every event", () => {
    for (const event of JOB_EVENTS) {
      expect(JOB_STATES.some((state) => nextState(state, event) !== undefined)).toBe(true);
    }
  });

  it("leaves a settled job alone but for revive", () => {
    for (const state of JOB_STATES.filter((one) => STATE_FACTS[one].settled)) {
      const events = JOB_EVENTS.filter((event) => nextState(state, event) !== undefined);
      expect(events).toEqual(state === "done" ? [] : ["revive"]);
    }
  });

  it("gives a lease only by claim, and takes it with every other move", () => {
    const givers = JOB_EVENTS.filter((event) =>
      JOB_STATES.some((from) => {
        const to = nextState(from, event);
        return to !== undefined && STATE_FACTS[to].holdsLease;
      }),
    );

    expect(givers).toEqual(["claim"]);
  });
});

describe("the facts of states", () => {
  it("say that a job waits, runs or is settled, and one of these only", () => {
    for (const state of JOB_STATES) {
      const { waiting, holdsLease, settled } = STATE_FACTS[state];
      expect([waiting, holdsLease, settled].filter(Boolean)).toHaveLength(1);
    }
  });
});

describe("transition", () => {
  it("answers where a legal move leads", () => {
    expect(transition("ready", "claim")).toBe("leased");
  });

  it("takes an illegal move for a bug", () => {
    expect(() => transition("done", "claim")).toThrow(InvariantViolation);
  });
});

describe("the drawing", () => {
  it("has a line for each move, and the two ways in", () => {
    const lines = drawJobStates().split("\n");

    expect(lines[0]).toBe("stateDiagram-v2");
    expect(lines).toContain("  [*] --> ready: enqueue");
    expect(lines).toContain("  [*] --> scheduled: enqueue later");
    expect(lines).toContain("  leased --> dead: poison");
    expect(lines).toHaveLength(3 + 19);
  });
});
