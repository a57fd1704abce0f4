/** What unjam costs where no job is in a hurry: memory, idle CPU, and the time to start. */
import { bound, difference } from "../gate.ts";
import type { Bench, Case } from "../suite.ts";

const POWER = "power: fsync before the ack (WAL, FULL)";
const NONE = "none";

export function resourceCases(bench: Bench): readonly Case[] {
  return [memoryCase(bench), idleCase(bench), startCase(bench)];
}

function memoryCase({ isTiny }: Bench): Case {
  const jobs = isTiny ? 2_000 : 1_000_000;
  return {
    name: "memory",
    about: `growth of the process while ${jobs} jobs wait`,
    measure: "rssGrowthMb",
    better: "lower",
    columns: [
      { metric: "rssGrowthMb", title: "RSS +MB", digits: 1 },
      { metric: "rssPeakGrowthMb", title: "peak +MB", digits: 1 },
      { metric: "opsPerS", title: "enqueued/s", digits: 0 },
    ],
    implementations: [
      {
        name: "unjam",
        role: "ours",
        durability: POWER,
        script: new URL("unjam-memory.ts", import.meta.url),
        settings: { jobs },
        execArgv: ["--expose-gc"],
      },
    ],
    gates: [bound({ of: "unjam", metric: "rssGrowthMb" }, { atMost: 50 })],
  };
}

function idleCase({ isTiny }: Bench): Case {
  const settings = { idleMs: isTiny ? 1_000 : 20_000 };
  return {
    name: "idle",
    about: `CPU of an open app with workers and no jobs, over ${settings.idleMs / 1_000} s`,
    measure: "cpuPercent",
    better: "lower",
    columns: [{ metric: "cpuPercent", title: "% of a core", digits: 2 }],
    implementations: [
      {
        name: "unjam",
        role: "ours",
        durability: POWER,
        script: new URL("unjam-idle.ts", import.meta.url),
        settings,
      },
      {
        name: "bare node",
        role: "orientation",
        durability: NONE,
        script: new URL("node-idle.ts", import.meta.url),
        settings,
      },
    ],
    gates: [bound({ of: "unjam", metric: "cpuPercent" }, { atMost: 0.5 })],
  };
}

function startCase({ isTiny }: Bench): Case {
  const script = new URL("start-time.ts", import.meta.url);
  const starts = isTiny ? 2 : 10;
  return {
    name: "start",
    about: 'a new process until its first job on "memory:" is done',
    measure: "startMs",
    better: "lower",
    columns: [{ metric: "startMs", title: "ms", digits: 1 }],
    implementations: [
      {
        name: "unjam",
        role: "ours",
        durability: NONE,
        script,
        settings: { starts, module: "first-job.js" },
      },
      {
        name: "bare node",
        role: "orientation",
        durability: NONE,
        script,
        settings: { starts, module: "bare-node.js" },
      },
    ],
    gates: [difference({ of: "unjam", metric: "startMs" }, { atMost: 120 }, ["bare node"])],
  };
}
