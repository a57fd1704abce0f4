/**
 * What a suite is made of. A suite plans cases; a case measures implementations of the same work
 * beside each other; a measure is one probe, a script that runs in a process of its own.
 */
import type { Gate } from "./gate.ts";
import type { Metrics } from "./metrics.ts";

export interface Suite {
  readonly name: string;
  readonly about: string;
  /** May run a probe of its own first, to calibrate the work. */
  readonly plan: (bench: Bench) => Promise<readonly Case[]>;
}

/** What a plan may depend on. */
export interface Bench {
  /** Sizes that only prove that everything runs; their figures mean nothing. */
  readonly isTiny: boolean;
  /** A folder on the measured disk that lives as long as the run. */
  readonly folder: string;
  readonly runProbe: (probe: Probe) => Promise<Metrics>;
}

export interface Case {
  readonly name: string;
  readonly about: string;
  /** Rounds for a case that takes long, where the command line names none. */
  readonly rounds?: number;
  /** The metric that is compared. */
  readonly measure: string;
  readonly better: "higher" | "lower";
  readonly columns: readonly Column[];
  /** Runs once, before the first round: makes files that the implementations copy. */
  readonly prepare?: Probe;
  readonly implementations: readonly Implementation[];
  readonly gates: readonly Gate[];
}

export interface Column {
  readonly metric: string;
  readonly title: string;
  readonly digits: number;
}

/**
 * `ours` is unjam by its public name; `peer` runs only with `--peers`; `limit` is the raw limit
 * that ratioToLimit divides by; `orientation` is printed beside and divides nothing.
 */
export type Role = "ours" | "peer" | "limit" | "orientation";

export interface Implementation extends Probe {
  readonly name: string;
  readonly role: Role;
  /** What an acknowledgement survives, in words, because unlike durabilities are not comparable. */
  readonly durability: string;
}

export interface Probe {
  readonly script: URL;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly execArgv?: readonly string[];
}
