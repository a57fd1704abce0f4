import type { Logger } from "./job-context.ts";
import { invalid } from "./options.ts";

/** @throws UNJAM_INVALID_OPTION for what cannot take a warning */
export function readLogger(logger: unknown, where: string): Logger | undefined {
  if (logger === undefined) return undefined;
  const isLogger =
    typeof logger === "object" &&
    logger !== null &&
    ["info", "warn", "error"].every((level) => typeof Reflect.get(logger, level) === "function");
  if (!isLogger) throw invalid("logger", where, "an object with info, warn and error", logger);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its three methods were just looked at.
  return logger as Logger;
}
