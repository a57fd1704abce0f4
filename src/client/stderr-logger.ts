import { writeSync } from "node:fs";
import type { Logger } from "../core/job-context.ts";

/**
 * The default logger: warnings and errors as one line each on stderr; info and debug are dropped.
 * `writeSync`, because a line about a blocked loop must not wait for the loop.
 */
export const stderrLogger: Logger = {
  info: () => undefined,
  warn: (fields, message) => write("warn", fields, message),
  error: (fields, message) => write("error", fields, message),
};

function write(level: string, fields: object, message: string): void {
  const details = Object.keys(fields).length === 0 ? "" : ` ${JSON.stringify(fields)}`;
  try {
    writeSync(2, `unjam ${level}: ${message}${details}\n`);
  } catch {
    // A closed or full stderr must not break the work that is being reported.
  }
}
