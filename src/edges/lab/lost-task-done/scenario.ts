import type { Scenario } from "../scenario.ts";

export const lostTaskDone: Scenario = {
  name: "lost-task-done",
  summary: "a consumer crashes on a corrupt item, and join() waits on",
  unit: "images",
  home: import.meta.url,
  naive: {
    builtOn: "a queue with a counter that taskDone() brings down",
    expected: { kind: "hung" },
  },
  sound: { builtOn: "JoinableQueue", expected: { kind: "result" } },
  lesson:
    "The crash skipped one taskDone(), so the counter of the naive queue never comes down to zero, " +
    "and whatever looks at the drain (a health check, a deploy) waits with it. In a JoinableQueue " +
    "an item is settled by whatever ends its handler; a throw settles it as failed.",
};
