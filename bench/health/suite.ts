/** Whether a server stays reachable while its jobs take more CPU than one core has. */
import { difference, ratio } from "../gate.ts";
import type { Bench, Case, Implementation, Suite } from "../suite.ts";
import { mediaCases } from "./media-cases.ts";

const JOB_MS = 200;
const WORKS_PER_S = 8;
/** unjam's default, and what uses both cores of the machine that the gate was set on. */
const THREADS = 2;
const PISCINA = "piscina 2 threads";
const ALL = ["inline", PISCINA, "piscina 1 thread"];

export const health: Suite = {
  name: "health",
  about: `/healthz while ${WORKS_PER_S} jobs/s of ${JOB_MS} ms CPU run`,
  plan: async (bench): Promise<readonly Case[]> => {
    const { links = 0 } = await bench.runProbe({
      script: new URL("calibrate.ts", import.meta.url),
      settings: { targetMs: JOB_MS },
    });
    return [healthCase(bench, links), ...(await mediaCases(bench))];
  },
};

function healthCase({ isTiny }: Bench, links: number): Case {
  const settings = {
    links,
    durationMs: isTiny ? 1_500 : 10_000,
    probeEveryMs: 5,
    worksPerS: WORKS_PER_S,
  };
  const samples = settings.durationMs / settings.probeEveryMs;
  return {
    name: "healthz",
    about: `${WORKS_PER_S} jobs/s of ${JOB_MS} ms sha256 (${links} links) for ${settings.durationMs / 1_000} s, ${samples} health checks a round from another process`,
    measure: "p99Ms",
    better: "lower",
    columns: [
      { metric: "p50Ms", title: "p50 ms", digits: 2 },
      { metric: "p99Ms", title: "p99 ms", digits: 2 },
      { metric: "maxMs", title: "max ms", digits: 1 },
      { metric: "overSlowPercent", title: "% over 50 ms", digits: 1 },
      { metric: "doneCount", title: "jobs done", digits: 0 },
      { metric: "workCount", title: "of", digits: 0 },
      { metric: "loopDelayP99Ms", title: "loop p99 ms", digits: 2 },
      { metric: "sampleCount", title: "samples", digits: 0 },
    ],
    implementations: implementations(settings),
    gates: [
      ratio({ of: "unjam", metric: "p99Ms" }, { atMost: 1.2 }, [PISCINA]),
      // A count at one instant cuts the jobs in hand: one per thread is not a difference.
      difference({ of: "unjam", metric: "doneCount" }, { atLeast: -THREADS }, ALL),
    ],
  };
}

function implementations(settings: Readonly<Record<string, number>>): readonly Implementation[] {
  const script = new URL("driver.ts", import.meta.url);
  const none = "none: lost with the process";
  return [
    {
      name: "unjam",
      role: "ours",
      durability: "power: fsync before the ack (WAL, FULL)",
      script,
      settings: { ...settings, backend: "unjam", threads: THREADS },
    },
    {
      name: PISCINA,
      role: "peer",
      durability: none,
      script,
      settings: { ...settings, backend: "piscina", threads: THREADS },
    },
    {
      name: "piscina 1 thread",
      role: "peer",
      durability: none,
      script,
      settings: { ...settings, backend: "piscina", threads: 1 },
    },
    {
      name: "inline",
      role: "orientation",
      durability: none,
      script,
      settings: { ...settings, backend: "inline", threads: 0 },
    },
  ];
}
