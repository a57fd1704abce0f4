import { ERRORS } from "./error-table.ts";
import { type ErrorCode, type ErrorDetails, type ErrorRecord, UnjamError } from "./errors.ts";
import { isError } from "./is-error.ts";
import { ERROR_CHARS_MAX, STACK_LINES_MAX } from "./limits.ts";

/** Causes deeper than this say nothing new and could be a cycle. */
const CAUSE_DEPTH_MAX = 5;

/**
 * Anything thrown, as bounded plain data. Reads `name`, `message` and `stack` defensively: a
 * thrown value is user code, and its getters may throw too.
 */
export function toErrorRecord(thrown: unknown, depth = 0): ErrorRecord {
  if (!isError(thrown)) return { name: "NonError", message: cut(asText(thrown)) };
  const code = read(thrown, "code");
  const stack = read(thrown, "stack");
  const cause = read(thrown, "cause");
  const details = thrown instanceof UnjamError ? thrown.details : undefined;
  return {
    name: cut(asText(read(thrown, "name") ?? "Error")),
    message: cut(asText(read(thrown, "message") ?? "")),
    ...(typeof code === "string" ? { code } : {}),
    ...(details === undefined ? {} : { details }),
    ...(typeof stack === "string"
      ? { stack: cut(stack.split("\n").slice(0, STACK_LINES_MAX).join("\n")) }
      : {}),
    ...(cause === undefined || depth >= CAUSE_DEPTH_MAX
      ? {}
      : { cause: toErrorRecord(cause, depth + 1) }),
  };
}

function read(error: Error, name: string): unknown {
  try {
    return Reflect.get(error, name);
  } catch {
    return undefined;
  }
}

function asText(value: unknown): string {
  try {
    return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return Object.prototype.toString.call(value);
  }
}

function cut(text: string): string {
  return text.length > ERROR_CHARS_MAX ? `${text.slice(0, ERROR_CHARS_MAX)}…` : text;
}

/** The error behind a record: one of ours with its code and details, or an Error with its old name. */
export function fromErrorRecord(record: ErrorRecord): Error {
  const cause = record.cause === undefined ? {} : { cause: fromErrorRecord(record.cause) };
  if (isOurCode(record.code)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by toErrorRecord from an error with this code.
    const details = record.details as ErrorDetails<typeof record.code>;
    const error = new UnjamError(record.code, details, cause);
    if (record.stack !== undefined) error.stack = record.stack;
    return error;
  }
  const error = new Error(record.message, cause);
  error.name = record.name;
  if (record.stack !== undefined) error.stack = record.stack;
  return record.code === undefined ? error : Object.assign(error, { code: record.code });
}

function isOurCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERRORS, code);
}

/** A stored error text as a record; a text that is not one (an older build's) becomes the message. */
export function parseErrorRecord(text: string): ErrorRecord {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "message" in value && "name" in value) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- name and message were just checked; the rest is optional.
      return value as ErrorRecord;
    }
  } catch {
    // Falls through: the text itself is all there is.
  }
  return { name: "Error", message: text };
}
