import { ERRORS } from "./error-table.ts";
import { isError } from "./is-error.ts";

export type ErrorCode = keyof typeof ERRORS;
export type ErrorDetails<C extends ErrorCode> = Parameters<(typeof ERRORS)[C]["message"]>[0];

/**
 * The only error class that crosses the public API. Tell errors apart by `code`, never by text.
 *
 * @example
 * import { isUnjamError, open, task } from "unjam";
 * const app = await open({ store: "memory:", tasks: [task("hello", {}, async () => "hi")] });
 * try {
 *   await app.enqueue(task("nobody", {}), {}, { whenFull: "reject" });
 * } catch (error) {
 *   if (!isUnjamError(error, "UNJAM_QUEUE_FULL")) throw error;
 *   console.log(error.details.queue, error.help, error.httpStatus);
 * } finally {
 *   await app.close();
 * }
 */
export class UnjamError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "UnjamError";
  /** What happened. Codes are never renamed or used again. docs/reference/errors.md has them all. */
  readonly code: C;
  /** The values that the message has in it. */
  readonly details: ErrorDetails<C>;

  /** Not for users: the package makes it. */
  constructor(code: C, details: ErrorDetails<C>, options?: { readonly cause?: unknown }) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- TypeScript cannot see that both lookups use the same C.
    const describe = ERRORS[code].message as (details: ErrorDetails<C>) => string;
    super(describe(details), options);
    this.code = code;
    this.details = details;
  }

  /** What to do about it, in a sentence. */
  get help(): string {
    return ERRORS[this.code].help;
  }

  /** The HTTP status that a server should answer with. */
  get httpStatus(): number {
    return ERRORS[this.code].httpStatus;
  }

  /** The exit code of a command that failed with it. docs/reference/errors.md says what each means. */
  get exitCode(): number {
    return ERRORS[this.code].exitCode;
  }

  /** Plain data for logs and HTTP bodies. Has neither the stack nor the cause. */
  toJSON(): { code: C; message: string; help: string; details: ErrorDetails<C> } {
    return { code: this.code, message: this.message, help: this.help, details: this.details };
  }
}

/**
 * Whether it is an {@link UnjamError}, and with `code` one of that code. Works for errors thrown by
 * another copy of this package too, where `instanceof` would not.
 *
 * @example
 * import { isUnjamError, JoinableQueue } from "unjam/sync";
 * const mails = new JoinableQueue<string>({ name: "mails" });
 * try {
 *   await mails.get({ waitMs: 10 });
 * } catch (error) {
 *   if (!isUnjamError(error, "UNJAM_WAIT_TIMEOUT")) throw error;
 *   console.log(error.details.waitedMs, error.help); // 10, and what to do about it
 * }
 */
export function isUnjamError<C extends ErrorCode>(error: unknown, code: C): error is UnjamError<C>;
export function isUnjamError(error: unknown): error is UnjamError;
export function isUnjamError(error: unknown, code?: ErrorCode): boolean {
  return (
    isError(error) &&
    error.name === "UnjamError" &&
    "code" in error &&
    (code === undefined || error.code === code)
  );
}

/** An error as plain data, for the way between threads and into the store. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly details?: unknown;
  readonly stack?: string;
  readonly cause?: ErrorRecord;
}
