import type { Suite } from "./suite.ts";

/** Suites load when they are asked for, so that one peer that is not installed stops only its own. */
const SUITES: ReadonlyMap<string, () => Promise<Suite>> = new Map([
  ["sync", async () => (await import("./sync/suite.ts")).sync],
  ["threads", async () => (await import("./threads/suite.ts")).threads],
  ["sqlite", async () => (await import("./sqlite/suite.ts")).sqlite],
  ["latency", async () => (await import("./latency/suite.ts")).latency],
  ["health", async () => (await import("./health/suite.ts")).health],
]);

export const SUITE_NAMES: readonly string[] = [...SUITES.keys()];

/** Named in design/performance.md, and not written yet. */
const LATER: readonly string[] = ["redis", "postgres", "growth"];

export async function loadSuite(name: string): Promise<Suite> {
  const load = SUITES.get(name);
  if (load !== undefined) return load();
  const what = LATER.includes(name) ? "is planned, but not written yet" : "does not exist";
  throw new Error(`the suite "${name}" ${what}; there are ${SUITE_NAMES.join(", ")}`);
}
