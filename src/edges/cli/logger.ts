import { writeSync } from "node:fs";
import type { Logger, LogLevel } from "../../core/job-context.ts";
import { printable } from "./screen.ts";
import { isLoud, type LogThreshold } from "./setting.ts";

/**
 * The worker's log, on stderr: one line each, JSON in pino's shape under --json. `writeSync`,
 * because a line about a blocked loop must not wait for the loop.
 */
export function stderrLog(threshold: LogThreshold, isJson: boolean): Logger {
  const write = (level: LogLevel, fields: object, message: string): void => {
    if (!isLoud(level, threshold)) return;
    const time = new Date();
    const line = isJson
      ? JSON.stringify({ level, time: time.getTime(), ...fields, msg: message })
      : [time.toISOString().slice(11, 23), level.padEnd(5), printable(message), detailsOf(fields)]
          .filter((part) => part !== "")
          .join(" ");
    try {
      writeSync(2, `${line}\n`);
    } catch {
      // A closed or full stderr must not break the work that is being reported.
    }
  };
  return {
    debug: (fields, message) => write("debug", fields, message),
    info: (fields, message) => write("info", fields, message),
    warn: (fields, message) => write("warn", fields, message),
    error: (fields, message) => write("error", fields, message),
  };
}

function detailsOf(fields: object): string {
  return Object.keys(fields).length === 0 ? "" : printable(JSON.stringify(fields));
}
