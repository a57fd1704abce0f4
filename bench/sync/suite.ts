/** Queues and locks inside one process, beside those that Node programs use for it. */
import { bound, type Gate, ratio } from "../gate.ts";
import type { Bench, Case, Column, Implementation, Role, Suite } from "../suite.ts";

const IN_MEMORY = "none: in memory";
const CPU: Column = { metric: "cpuUsPerItem", title: "CPU µs each", digits: 2 };
const RATE: Column = { metric: "opsPerS", title: "items/s", digits: 0 };

export const sync: Suite = {
  name: "sync",
  about: "queues and locks inside one process",
  plan: async (bench): Promise<readonly Case[]> => [
    steadyCase(bench),
    preloadCase(bench),
    getCase(bench),
    pipeCase(bench),
    lockCase(bench, { name: "lock", callers: 1, words: "one caller, who never waits" }),
    lockCase(bench, { name: "lock-contended", callers: 100, words: "100 callers, in line" }),
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
  return beside(script, { items }, ROLES);
}

function beside(
  script: string,
  settings: Readonly<Record<string, number>>,
  roles: typeof ROLES,
): readonly Implementation[] {
  return roles.map(([name, contender, role]) => ({
    name,
    role,
    durability: IN_MEMORY,
    script: new URL(script, import.meta.url),
    settings: { contender, ...settings },
    execArgv: ["--expose-gc"],
  }));
}

function faster(than: string, times: number): Gate {
  return ratio({ of: "unjam ask", metric: "opsPerS" }, { atLeast: times }, [than]);
}

function steadyCase({ isTiny }: Bench): Case {
  const items = isTiny ? 20_000 : 4_000_000;
  return {
    name: "steady",
    about: `${items} items by 1,000 producers that each await their item, 16 no-op handlers`,
    measure: "opsPerS",
    better: "higher",
    columns: [RATE, CPU],
    implementations: contenders("steady.ts", items),
    gates: [faster("fastq promise", 1), faster("p-queue", 3)],
  };
}

function preloadCase({ isTiny }: Bench): Case {
  const items = isTiny ? 10_000 : 1_000_000;
  return {
    name: "preload",
    about: `${items} items queued first, then worked off by 16 no-op handlers`,
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
    implementations: [
      ...levels.map(([name, diagnostics]): Implementation => ({
        name,
        role: name === "unjam" ? "ours" : "orientation",
        durability: IN_MEMORY,
        script: new URL("get-cost.ts", import.meta.url),
        settings: { diagnostics, items },
      })),
      {
        name: "bare arrays",
        role: "limit",
        durability: IN_MEMORY,
        script: new URL("bare-get.ts", import.meta.url),
        settings: { items },
      },
    ],
    gates: [],
  };
}

/** A bounded queue between one producer and one consumer: what a stream of objects is used for. */
function pipeCase({ isTiny }: Bench): Case {
  const items = isTiny ? 5_000 : 500_000;
  return {
    name: "pipe",
    about: `${items} items from one producer to one consumer, 100 between them at most`,
    measure: "opsPerS",
    better: "higher",
    columns: [RATE, CPU],
    implementations: beside("pipe.ts", { items }, [
      ["unjam for await", "loop", "ours"],
      ["unjam consume", "consume", "ours"],
      ["node:stream for await", "stream", "peer"],
    ]),
    gates: [],
  };
}

/** What a lock costs, and its call sites. */
function lockCase(
  { isTiny }: Bench,
  {
    name,
    callers,
    words,
  }: { readonly name: string; readonly callers: number; readonly words: string },
): Case {
  const passes = isTiny ? 5_000 : 300_000;
  return {
    name,
    about: `${passes} times lock and release, ${words}`,
    measure: "opsPerS",
    better: "higher",
    columns: [{ ...RATE, title: "locks/s" }, CPU],
    implementations: beside("locks.ts", { callers, passes }, [
      ["unjam", "unjam", "ours"],
      ["diagnostics off", "unjam-off", "orientation"],
      ["diagnostics full", "unjam-full", "orientation"],
      ["async-mutex", "async-mutex", "peer"],
      ["promise chain", "chain", "limit"],
    ]),
    gates: [],
  };
}
