import type { Logger } from "../core/job-context.ts";

/** Where warnings go: the user's logger, else the console. What a logger throws stops nobody. */
export class Warnings {
  readonly #logger: Pick<Logger, "warn">;

  constructor(logger: Logger | undefined) {
    this.#logger = logger ?? consoleLogger;
  }

  warn(fields: object, message: string): void {
    try {
      this.#logger.warn(fields, message);
    } catch {
      // Nobody is left to tell.
    }
  }
}

const consoleLogger: Pick<Logger, "warn"> = {
  // oxlint-disable-next-line no-console -- the one way to tell somebody that every JavaScript runtime has.
  warn: (fields, message) => console.warn(`unjam: ${message}`, fields),
};
