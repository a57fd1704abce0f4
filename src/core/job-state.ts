import { invariant } from "./invariant.ts";

export const JOB_STATES = [
  "scheduled",
  "ready",
  "leased",
  "done",
  "dead",
  "cancelled",
  "expired",
  "dropped",
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** What happened to a job: one verb, done by a worker, an operator or the clock. */
export const JOB_EVENTS = [
  "comeDue",
  "claim",
  "succeed",
  "failForRetry",
  "failForGood",
  "handBack",
  "loseLease",
  "poison",
  "cancel",
  "expire",
  "drop",
  "revive",
] as const;
export type JobEvent = (typeof JOB_EVENTS)[number];

/**
 * The whole life of a job. Read a row as "in this state, on this event, become …". An empty cell
 * is an illegal move. Every store obeys this table: the conformance suite walks it cell by cell,
 * and docs/reference/job-states.md is drawn from it.
 */
const TRANSITIONS: Readonly<Record<JobState, Readonly<Partial<Record<JobEvent, JobState>>>>> = {
  scheduled: { comeDue: "ready", cancel: "cancelled", expire: "expired", drop: "dropped" },
  ready: { claim: "leased", cancel: "cancelled", expire: "expired", drop: "dropped" },
  leased: {
    succeed: "done",
    failForRetry: "scheduled",
    failForGood: "dead",
    handBack: "ready",
    loseLease: "ready",
    poison: "dead",
    cancel: "cancelled",
  },
  done: {},
  dead: { revive: "ready" },
  cancelled: { revive: "ready" },
  expired: { revive: "ready" },
  dropped: { revive: "ready" },
};

/** Facts that other code may rely on, and that stores assert after every write. */
export const STATE_FACTS: Readonly<
  Record<
    JobState,
    {
      /** Somebody may be running it. */ readonly holdsLease: boolean;
      /** Nothing more will happen to it by itself. */ readonly settled: boolean;
      /** Counts against the queue's capacity. */ readonly waiting: boolean;
    }
  >
> = {
  scheduled: { holdsLease: false, settled: false, waiting: true },
  ready: { holdsLease: false, settled: false, waiting: true },
  leased: { holdsLease: true, settled: false, waiting: false },
  done: { holdsLease: false, settled: true, waiting: false },
  dead: { holdsLease: false, settled: true, waiting: false },
  cancelled: { holdsLease: false, settled: true, waiting: false },
  expired: { holdsLease: false, settled: true, waiting: false },
  dropped: { holdsLease: false, settled: true, waiting: false },
};

/** Where `event` leads from `from`, or `undefined` when the move is illegal. */
export function nextState(from: JobState, event: JobEvent): JobState | undefined {
  return TRANSITIONS[from][event];
}

/** Like {@link nextState}, for callers that have already proved the move is legal. */
export function transition(from: JobState, event: JobEvent): JobState {
  const to = nextState(from, event);
  invariant(to !== undefined, `no move from "${from}" on "${event}"`);
  return to;
}

/** The table as a Mermaid drawing; docs/reference/job-states.md holds its output. */
export function drawJobStates(): string {
  const lines = [
    "stateDiagram-v2",
    "  [*] --> ready: enqueue",
    "  [*] --> scheduled: enqueue later",
  ];
  for (const from of JOB_STATES) {
    for (const event of JOB_EVENTS) {
      const to = nextState(from, event);
      if (to !== undefined) lines.push(`  ${from} --> ${to}: ${event}`);
    }
  }
  return lines.join("\n");
}
