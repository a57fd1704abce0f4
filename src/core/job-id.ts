import type { JobNumber } from "./job.ts";

/**
 * A job's number as users see it: "j_" and base 36. Opaque to them, and short in URLs and logs.
 * The prefix keeps callers' own ids apart from ours.
 */
export function formatJobId(id: JobNumber): string {
  return `j_${id.toString(36)}`;
}

/**
 * Whether a job has its number from a caller, who repeated an id of ours or made one up. Anybody may
 * have been given such a number for another job, which then needs a new one.
 */
export function isCallersNumber(job: {
  readonly id: JobNumber;
  readonly callerId: string | null;
}): boolean {
  return job.callerId !== null && job.callerId === formatJobId(job.id);
}

/** The number in an id of ours, or `undefined` when the text is a caller's own id. */
export function parseJobId(text: string): JobNumber | undefined {
  if (!/^j_[0-9a-z]{1,11}$/.test(text)) return undefined;
  const id = Number.parseInt(text.slice(2), 36);
  return Number.isSafeInteger(id) && id > 0 ? id : undefined;
}
