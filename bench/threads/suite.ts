/** Pools of threads, beside those that Node programs use and the raw limits. */
import { bound, type Gate, ratio } from "../gate.ts";
import type { Bench, Case, Column, Implementation, Role, Suite } from "../suite.ts";
import { sharedQueueCase } from "./shared-queue-case.ts";

const IN_MEMORY = "none: in memory";
const THREADS = 2;
const PISCINAS = ["piscina", "piscina, 64 a thread"];
const PEERS = [...PISCINAS, "tinypool", "workerpool", "poolifier"];
const MEBI_BYTES = 1_048_576;

export const threads: Suite = {
  name: "threads",
  about: `pools of ${THREADS} threads`,
  plan: async (bench): Promise<readonly Case[]> => [
    tinyCase(bench, 1_024, [
      ratio({ of: "unjam", metric: "opsPerS" }, { atLeast: 10 }, PISCINAS),
      ratio({ of: "unjam", metric: "opsPerS" }, { atLeast: 5 }, PEERS),
      bound({ of: "unjam", metric: "loopDelayP99Ms" }, { atMost: 5 }),
    ]),
    tinyCase(bench, 64, [ratio({ of: "unjam", metric: "opsPerS" }, { atLeast: 3 }, PEERS)]),
    tinyCase(bench, 1, [asFastAsPeers]),
    payloadCase(bench, "objects", 10_000),
    payloadCase(bench, "bytes", 10_000),
    payloadCase(bench, "objects", MEBI_BYTES),
    payloadCase(bench, "bytes", MEBI_BYTES),
    stuckCase(bench),
    sharedQueueCase(bench),
  ],
};

const asFastAsPeers: Gate = ratio({ of: "unjam", metric: "opsPerS" }, { atLeast: 1 }, PEERS);

const COLUMNS: readonly Column[] = [
  { metric: "opsPerS", title: "calls/s", digits: 0 },
  { metric: "cpuUsPerJob", title: "CPU µs/call", digits: 2 },
  { metric: "loopDelayP99Ms", title: "loop p99 ms", digits: 2 },
  { metric: "loopDelayMaxMs", title: "max ms", digits: 1 },
];

const CONTENDERS: readonly (readonly [name: string, contender: string, role: Role])[] = [
  ["unjam", "unjam", "ours"],
  ["piscina", "piscina", "peer"],
  ["piscina, 64 a thread", "piscina-tuned", "peer"],
  ["tinypool", "tinypool", "peer"],
  ["workerpool", "workerpool", "peer"],
  ["poolifier", "poolifier", "peer"],
  ["bare postMessage", "post", "orientation"],
];

function contenders(
  { isTiny }: Bench,
  settings: { readonly callers: number; readonly payload: string },
): readonly Implementation[] {
  const times = isTiny ? { warmUpMs: 20, measureMs: 50 } : { warmUpMs: 500, measureMs: 1_000 };
  return CONTENDERS.map(([name, contender, role]) => ({
    ...{ name, role, durability: IN_MEMORY, script: new URL("calls.ts", import.meta.url) },
    settings: { contender, threads: THREADS, ...times, ...settings },
  }));
}

function tinyCase(bench: Bench, callers: number, gates: readonly Gate[]): Case {
  const measured = contenders(bench, { callers, payload: "tiny" });
  const ring = measured.map(({ settings, ...rest }): Implementation => ({
    ...{ ...rest, name: "bare ring", role: "limit" },
    settings: { ...settings, contender: "ring" },
  }));
  return {
    name: `tiny-${callers}`,
    about: `{ a: 1 } → { b: 2 }, ${callers} in flight`,
    measure: "opsPerS",
    better: "higher",
    columns: COLUMNS,
    implementations: [...measured, ...ring.slice(0, 1)],
    gates,
  };
}

function payloadCase(bench: Bench, kind: "objects" | "bytes", size: number): Case {
  const callers = 16;
  return {
    name: `${kind}-${size === MEBI_BYTES ? "1MiB" : "10kB"}`,
    about: `${size} bytes of ${kind === "bytes" ? "a Uint8Array" : "rows"} there and back, ${callers} in flight`,
    measure: "opsPerS",
    better: "higher",
    columns: COLUMNS,
    implementations: contenders(bench, { callers, payload: `${kind}-${size}` }),
    gates: [asFastAsPeers],
  };
}

/** Where calls stick, by the name of the trap in work.ts. */
const TRAPS = [
  ["endless loop", "loop"],
  ["regular expression", "regexp"],
  ["Atomics.wait", "wait"],
  ["execSync('sleep 60')", "child"],
] as const;

/** What no peer does by itself: they have no deadline. */
function stuckCase({ isTiny }: Bench): Case {
  return {
    name: "stuck",
    about: "one thread, a call that is stuck: how long after its deadline the next one begins",
    measure: "nextMs",
    better: "lower",
    columns: [
      { metric: "nextMs", title: "next begins, ms", digits: 1 },
      { metric: "nextMaxMs", title: "max ms", digits: 1 },
      { metric: "rejectedMs", title: "rejected, ms", digits: 1 },
    ],
    implementations: TRAPS.map(([where, trap]) => ({
      ...{ name: `unjam, ${where}`, role: "ours", durability: IN_MEMORY },
      script: new URL("stuck.ts", import.meta.url),
      settings: { rounds: isTiny ? 1 : 7, trap },
    })),
    gates: TRAPS.map(([where]) =>
      bound({ of: `unjam, ${where}`, metric: "nextMaxMs" }, { atMost: 100 }),
    ),
  };
}
