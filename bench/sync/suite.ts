/** Queues inside one process, beside those that Node programs use for it. */
import { bound, type Gate, ratio } from "../gate.ts";
import type { Bench, Case, Column, Implementation, Role, Suite } from "../suite.ts";

const IN_MEMORY = "none: in memory";
const RATE: Column = { metric: "opsPerS", title: "items/s", digits: 0 };

export const sync: Suite = {
  name: "sync",
  about: "queues inside one process, 16 no-op handlers",
  plan: async (bench): Promise<readonly Case[]> => [
    steadyCase(bench),
    preloadCase(bench),
    getCase(bench),
  ],
};

const ROLES: readonly (readonly [name: string, contender: string, role: Role])[] = [
  ["unjam ask", "unjam", "ours"],
  ["fastq promise", "fastq", "peer"],
  ["p-queue", "p-queue", "peer"],
  ["async.queue", "async", "peer"],
  ["bare ring", "ring", "limit"],
];

function contenders(script: string, items: number): readonly Implementation[] {
  return ROLES.map(([name, contender, role]) => ({
    name,
    role,
    durability: IN_MEMORY,
    script: new URL(script, import.meta.url),
    settings: { contender, items },
    execArgv: ["--expose-gc"],
  }));
}

function faster(than: string, times: number): Gate {
  return ratio({ of: "unjam ask", metric: "opsPerS" }, { atLeast: times }, [than]);
}

function steadyCase({ isTiny }: Bench): Case {
  const items = isTiny ? 20_000 : 2_000_000;
  return {
    name: "steady",
    about: `${items} items by 1,000 producers that each await their item`,
    measure: "opsPerS",
    better: "higher",
    columns: [RATE, { metric: "cpuUsPerItem", title: "CPU µs/item", digits: 2 }],
    implementations: contenders("steady.ts", items),
    gates: [faster("fastq promise", 1), faster("p-queue", 3)],
  };
}

function preloadCase({ isTiny }: Bench): Case {
  const items = isTiny ? 10_000 : 1_000_000;
  return {
    name: "preload",
    about: `${items} items queued first, then worked off`,
    measure: "opsPerS",
    better: "higher",
    columns: [
      RATE,
      { metric: "queuedPerS", title: "queued/s", digits: 0 },
      { metric: "bytesPerItem", title: "heap B/item", digits: 0 },
    ],
    implementations: contenders("preload.ts", items),
    gates: [
      faster("fastq promise", 2),
      faster("p-queue", 3),
      bound({ of: "unjam ask", metric: "bytesPerItem" }, { atMost: 300 }),
    ],
  };
}

/** How much the call sites cost, by how often they are noted. Nobody else has them. */
function getCase({ isTiny }: Bench): Case {
  const items = isTiny ? 5_000 : 500_000;
  const levels = [
    ["unjam", "sampled"],
    ["diagnostics off", "off"],
    ["diagnostics full", "full"],
  ] as const;
  return {
    name: "get",
    about: `${items} times put, get, done, one after the other`,
    measure: "opsPerS",
    better: "higher",
    columns: [RATE],
    implementations: levels.map(([name, diagnostics]) => ({
      name,
      role: name === "unjam" ? "ours" : "orientation",
      durability: IN_MEMORY,
      script: new URL("get-cost.ts", import.meta.url),
      settings: { diagnostics, items },
    })),
    gates: [],
  };
}
