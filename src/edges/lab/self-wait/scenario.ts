import type { Scenario } from "../scenario.ts";

export const selfWait: Scenario = {
  name: "self-wait",
  summary: "a job waits for a job in its own queue, at concurrency 1",
  unit: "orders",
  home: import.meta.url,
  naive: { builtOn: "a promise queue: add(fn), concurrency 1", expected: { kind: "hung" } },
  sound: {
    builtOn: "JoinableQueue, concurrency 1",
    expected: { kind: "error", code: "UNJAM_DEADLOCK" },
  },
  lesson:
    "The job holds the only slot while it waits for a job that needs that slot. A promise queue " +
    "cannot see it, and everything behind it waits too. JoinableQueue knows who holds what and who " +
    "waits for what: it refuses the one wait that can never end, and the others go on.",
};
