/** Thrown values on their way between a thread and its caller: class name, message, stack, causes. */
import { fromErrorRecord, toErrorRecord } from "../../core/error-record.ts";
import type { ErrorRecord } from "../../core/errors.ts";
import { isError } from "../../core/is-error.ts";

/** An error as it crosses. `fields` are its own properties that are texts, numbers or booleans. */
export interface ThrownRecord {
  readonly error: ErrorRecord;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  /** The result could not be cloned; the caller's side makes an error of its own of it. */
  readonly isUnclonable: boolean;
}

const FIELDS_MAX = 20;
const OWN = new Set(["name", "message", "stack", "cause", "code"]);

/** An error as plain data; `undefined` for anything else that was thrown, which is a value like others. */
export function thrownRecord(thrown: unknown): ThrownRecord | undefined {
  if (!isError(thrown)) return undefined;
  return { error: recordOf(thrown), fields: fieldsOf(thrown), isUnclonable: false };
}

export function unclonable(error: unknown): ThrownRecord {
  return { error: toErrorRecord(error), fields: {}, isUnclonable: true };
}

/** `name` is what the class is called: many classes never set it. */
function recordOf(thrown: Error): ErrorRecord {
  const record = toErrorRecord(thrown);
  if (record.name !== "Error") return record;
  const { name } = thrown.constructor;
  return typeof name === "string" && name !== "" ? { ...record, name } : record;
}

function fieldsOf(thrown: Error): ThrownRecord["fields"] {
  const fields: Record<string, string | number | boolean> = {};
  try {
    for (const [name, value] of Object.entries(thrown).slice(0, FIELDS_MAX)) {
      if (OWN.has(name)) continue;
      if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
        fields[name] = value;
      }
    }
  } catch {
    // A getter of the error's own throws: what was read so far is all there is.
  }
  return fields;
}

/** Built-in classes, so that `instanceof` holds on the caller's side too. */
const CLASSES: ReadonlyMap<string, new (message?: string, options?: ErrorOptions) => Error> =
  new Map([
    ["TypeError", TypeError],
    ["RangeError", RangeError],
    ["SyntaxError", SyntaxError],
    ["ReferenceError", ReferenceError],
    ["EvalError", EvalError],
    ["URIError", URIError],
  ]);

/** The error behind a record. Ours keep their code and details, built-in ones their class. */
export function thrownError({ error: record, fields }: ThrownRecord): Error {
  const made = fromErrorRecord(record);
  const Class = CLASSES.get(record.name);
  if (Class === undefined) return Object.assign(made, fields);
  const cause = made.cause === undefined ? {} : { cause: made.cause };
  const error = new Class(record.message, cause);
  if (record.stack !== undefined) error.stack = record.stack;
  const code = record.code === undefined ? {} : { code: record.code };
  return Object.assign(error, code, fields);
}
