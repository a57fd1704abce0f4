import { appendFileSync } from "node:fs";

const FILE = process.env["MEDIA_AUDIT"];

/**
 * Appends a line to the file named by MEDIA_AUDIT, if any: a witness outside of the queue, for the
 * tests that kill this server. Synchronous, so that the line is with the kernel before the work goes on.
 */
export function audit(event: string, facts: object): void {
  if (FILE === undefined) return;
  appendFileSync(FILE, `${JSON.stringify({ event, at: Date.now(), ...facts })}\n`);
}
