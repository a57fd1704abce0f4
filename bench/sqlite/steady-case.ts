import { always, bound, ratio } from "../gate.ts";
import type { Bench, Case, Implementation } from "../suite.ts";
import { rawSchema, THROUGHPUT_COLUMNS, unjam } from "./implementations.ts";

/** The 100,000 that a queue keeps, and what two seconds may bring in between. */
const DONE_ROWS_MAX = 300_000;

/** The second half of a run in which more rows are done than a queue keeps, so that every second prunes. */
export function steadyCase({ isTiny }: Bench): Case {
  const work = { callers: 1_000, jobs: isTiny ? 6_000 : 400_000 };
  const ours: Implementation = {
    ...unjam(work),
    script: new URL("unjam-steady.ts", import.meta.url),
  };
  return {
    name: "steady",
    about: `the last half of ${work.jobs} jobs by ${work.callers} callers, with pruning on`,
    measure: "opsPerS",
    better: "higher",
    columns: [...THROUGHPUT_COLUMNS, { metric: "doneRowsAtEnd", title: "done rows", digits: 0 }],
    implementations: [ours, rawSchema(work, 0.5)],
    gates: [
      ratio({ of: "unjam", metric: "opsPerS" }, { atLeast: 0.6 }, ["raw our schema"]),
      bound({ of: "unjam", metric: "loopDelayP99Ms" }, { atMost: 5 }),
      // Not pruning would be the fastest way to pass.
      always({ of: "unjam", metric: "doneRowsAtEnd" }, { atMost: DONE_ROWS_MAX }),
    ],
  };
}
