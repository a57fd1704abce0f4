import type { App } from "../../client/app.ts";
import type { JobStatus } from "../../client/job-handle.ts";

/** Ids in one line. More belong into a loop over `jobs --json`. */
const IDS_MAX = 1_000;

/**
 * The jobs that a line names, each once. All of them must be there: nothing is done to some when
 * one was mistyped.
 * @throws UNJAM_JOB_UNKNOWN, UNJAM_INVALID_OPTION
 */
export async function chosenJobs(
  app: App,
  ids: readonly string[],
  where: string,
): Promise<readonly JobStatus[]> {
  const unique = [...new Set(ids)];
  if (unique.length > IDS_MAX) {
    const { invalid } = await import("../../core/options.ts");
    throw invalid("<id…>", where, `at most ${IDS_MAX} ids`, unique.length);
  }
  return Promise.all(unique.map((id) => app.job(id).status()));
}

/** `3 jobs (2 ready, 1 leased)`. */
export function countedByState(jobs: readonly JobStatus[]): string {
  const counts = new Map<string, number>();
  for (const { state } of jobs) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, count]) => `${count} ${state}`);
  return `${jobs.length} ${jobs.length === 1 ? "job" : "jobs"} (${parts.join(", ")})`;
}

/** `j_7 is done`, for those that were left as they are. */
export function leftAlone(jobs: readonly JobStatus[]): readonly string[] {
  return jobs.map(({ id, state }) => `${id} is ${state}: left as it is`);
}
