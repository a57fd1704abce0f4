import { bound, type Gate, ratio } from "../gate.ts";
import type { Bench, Case } from "../suite.ts";
import {
  plainjob,
  rawBare,
  rawHandover,
  rawSchema,
  THROUGHPUT_COLUMNS,
  unjam,
  type Work,
} from "./implementations.ts";

const JOBS_PER_S = { of: "unjam", metric: "opsPerS" };

/** Always all three: a design that is fast for 1,000 callers only would look good alone. */
const SIZES: readonly {
  readonly full: Work;
  readonly tinyJobs: number;
  readonly gates: readonly Gate[];
}[] = [
  {
    full: { callers: 1, jobs: 3_000 },
    tinyJobs: 50,
    gates: [bound(JOBS_PER_S, { atLeast: 1_500 })],
  },
  {
    full: { callers: 50, jobs: 50_000 },
    tinyJobs: 1_000,
    gates: [bound(JOBS_PER_S, { atLeast: 35_000 })],
  },
  {
    full: { callers: 1_000, jobs: 100_000 },
    tinyJobs: 3_000,
    gates: [
      ratio(JOBS_PER_S, { atLeast: 7 }, ["plainjob add", "plainjob addMany"]),
      ratio(JOBS_PER_S, { atLeast: 0.6 }, ["raw our schema"]),
      bound({ of: "unjam", metric: "loopDelayP99Ms" }, { atMost: 5 }),
    ],
  },
];

export function callerCases({ isTiny }: Bench): readonly Case[] {
  return SIZES.map(({ full, tinyJobs, gates }) => {
    const work = { callers: full.callers, jobs: isTiny ? tinyJobs : full.jobs };
    // A commit per job makes the durable peer so slow that it is asked where one caller is, only.
    const isSingle = work.callers === 1;
    return {
      name: `callers-${work.callers}`,
      about: `${work.jobs} no-op jobs enqueued by ${work.callers} concurrent callers, run on the loop, settled in the store`,
      measure: "opsPerS",
      better: "higher",
      columns: THROUGHPUT_COLUMNS,
      implementations: [
        unjam(work),
        plainjob(work, { call: "add", synchronous: "NORMAL" }),
        plainjob(work, { call: "addMany", synchronous: "NORMAL" }),
        ...(isSingle ? [plainjob(work, { call: "add", synchronous: "FULL" })] : []),
        rawSchema(work),
        rawHandover(work),
        rawBare(work),
      ],
      gates,
    };
  });
}
