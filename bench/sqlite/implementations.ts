/** Who is measured on SQLite, and what each one's acknowledgement is worth. */
import type { Column, Implementation } from "../suite.ts";

const FULL = "power: fsync before the ack (WAL, FULL)";
const NORMAL = "process: no fsync, a power cut takes the last commits (WAL, NORMAL)";

export const THROUGHPUT_COLUMNS: readonly Column[] = [
  { metric: "opsPerS", title: "jobs/s", digits: 0 },
  { metric: "loopDelayP99Ms", title: "loop p99 ms", digits: 2 },
  { metric: "loopDelayMaxMs", title: "loop max ms", digits: 1 },
  { metric: "cpuUsPerJob", title: "CPU µs/job", digits: 1 },
  { metric: "rssGrowthMb", title: "RSS +MB", digits: 1 },
];

export interface Work {
  readonly jobs: number;
  readonly callers: number;
}

/** A store filled before, and the room that the queue needs for it. */
export interface Backlog {
  readonly file: string;
  readonly capacity: number;
}

export function unjam({ jobs, callers }: Work, name = "unjam", backlog?: Backlog): Implementation {
  return {
    name,
    role: name === "unjam" ? "ours" : "orientation",
    durability: FULL,
    script: new URL("unjam-jobs.ts", import.meta.url),
    settings: { jobs, callers, backlogFile: backlog?.file ?? "", capacity: backlog?.capacity ?? 0 },
  };
}

export function plainjob(
  { jobs }: Work,
  {
    call,
    synchronous,
  }: { readonly call: "add" | "addMany"; readonly synchronous: "NORMAL" | "FULL" },
): Implementation {
  return {
    name: `plainjob ${call}${synchronous === "FULL" ? " FULL" : ""}`,
    role: synchronous === "FULL" ? "orientation" : "peer",
    durability: synchronous === "FULL" ? FULL : NORMAL,
    script: new URL("plainjob-jobs.ts", import.meta.url),
    settings: { jobs, call, synchronous },
  };
}

/**
 * Batches as large as the number of callers: more cannot wait for one commit. Each job is inserted,
 * claimed by an update, and settled.
 */
export function rawSchema(
  { jobs, callers }: Work,
  measuredShare = 1,
  backlog?: Backlog,
): Implementation {
  const backlogFile = backlog?.file ?? "";
  return {
    name: "raw our schema",
    role: "limit",
    durability: FULL,
    script: new URL("raw-schema.ts", import.meta.url),
    settings: { jobs, batchSize: callers, measuredShare, backlogFile, handover: 0 },
  };
}

/**
 * The same, with each job inserted as leased. The store does so with a job that arrives while a
 * slot is free; under this load most arrive when none is, so no gate is held against it.
 */
export function rawHandover({ jobs, callers }: Work): Implementation {
  return {
    name: "raw handed over",
    role: "orientation",
    durability: FULL,
    script: new URL("raw-schema.ts", import.meta.url),
    settings: { jobs, batchSize: callers, measuredShare: 1, backlogFile: "", handover: 1 },
  };
}

export function rawBare({ jobs, callers }: Work): Implementation {
  return {
    name: "raw no features",
    role: "orientation",
    durability: FULL,
    script: new URL("raw-bare.ts", import.meta.url),
    settings: { jobs, batchSize: callers },
  };
}
