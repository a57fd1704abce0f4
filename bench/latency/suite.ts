/** How soon a job starts when there is little to do. */
import { bound, ratio } from "../gate.ts";
import type { Bench, Case, Implementation, Suite } from "../suite.ts";

const RAW = "raw our schema";
/** 0.6 × the raw limit, for a time: the bound in milliseconds holds on one machine's disk only. */
const LIMIT_MULTIPLE_MAX = 1 / 0.6;
const OURS = ["unjam sqlite", "unjam memory"];

export const latency: Suite = {
  name: "latency",
  about: "enqueue call to handler start at 20 jobs/s",
  plan: async (bench): Promise<readonly Case[]> => [latencyCase(bench)],
};

function latencyCase({ isTiny }: Bench): Case {
  const settings = { jobs: isTiny ? 20 : 250, jobsPerS: 20 };
  return {
    name: "start",
    about: `enqueue call to handler start, ${settings.jobs} jobs at ${settings.jobsPerS}/s, producer and worker in one process`,
    measure: "p99Ms",
    better: "lower",
    columns: [
      { metric: "p50Ms", title: "p50 ms", digits: 2 },
      { metric: "p99Ms", title: "p99 ms", digits: 2 },
      { metric: "maxMs", title: "max ms", digits: 1 },
      { metric: "enqueueP50Ms", title: "ack p50 ms", digits: 2 },
      { metric: "cpuPercent", title: "CPU %", digits: 1 },
    ],
    implementations: implementations(settings),
    gates: [
      ...OURS.flatMap((of) => [
        bound({ of, metric: "p50Ms" }, { atMost: 1 }),
        bound({ of, metric: "p99Ms" }, { atMost: 3 }),
      ]),
      ratio({ of: "unjam sqlite", metric: "p50Ms" }, { atMost: LIMIT_MULTIPLE_MAX }, [RAW]),
    ],
  };
}

function implementations(settings: Readonly<Record<string, number>>): readonly Implementation[] {
  const unjam = new URL("unjam-latency.ts", import.meta.url);
  const plainjob = new URL("plainjob-latency.ts", import.meta.url);
  const normal = "process: no fsync (WAL, NORMAL)";
  const none = "none: lost with the process";
  return [
    {
      name: "unjam sqlite",
      role: "ours",
      durability: "power: fsync before the ack (WAL, FULL)",
      script: unjam,
      settings: { ...settings, store: "sqlite" },
    },
    {
      name: "unjam memory",
      role: "ours",
      durability: none,
      script: unjam,
      settings: { ...settings, store: "memory" },
    },
    {
      name: RAW,
      role: "limit",
      durability: "power: fsync before the ack (WAL, FULL)",
      script: new URL("raw-latency.ts", import.meta.url),
      settings,
    },
    {
      name: "piscina",
      role: "peer",
      durability: none,
      script: new URL("piscina-latency.ts", import.meta.url),
      settings,
    },
    {
      name: "plainjob poll 1000",
      role: "peer",
      durability: normal,
      script: plainjob,
      settings: { ...settings, pollMs: 1_000 },
    },
    {
      name: "plainjob poll 10",
      role: "peer",
      durability: normal,
      script: plainjob,
      settings: { ...settings, pollMs: 10 },
    },
  ];
}
