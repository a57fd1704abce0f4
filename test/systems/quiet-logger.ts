import type { Logger } from "../../src/index.ts";

/** For systems that are made to fail on purpose: their warnings are expected. */
export const quietLogger: Logger = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
