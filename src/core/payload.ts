import { toErrorRecord } from "./error-record.ts";
import { UnjamError } from "./errors.ts";
import { isError } from "./is-error.ts";
import { PAYLOAD_BYTES_MAX, PAYLOAD_DEPTH_MAX, RESULT_BYTES_MAX } from "./limits.ts";

/**
 * The input of a job as JSON text, serialised once. Runs on the caller's thread: its cost is
 * bounded by PAYLOAD_BYTES_MAX, apart from what the caller's own `toJSON` does.
 * @throws UNJAM_PAYLOAD_NOT_SERIALIZABLE, UNJAM_PAYLOAD_TOO_LARGE, UNJAM_PAYLOAD_TOO_DEEP
 */
export function serializePayload(input: unknown, task: string): string {
  const json = stringify(input);
  if (json.text === undefined) {
    throw new UnjamError("UNJAM_PAYLOAD_NOT_SERIALIZABLE", { task, reason: json.reason });
  }
  const bytes = utf8Bytes(json.text, PAYLOAD_BYTES_MAX);
  if (bytes > PAYLOAD_BYTES_MAX) {
    throw new UnjamError("UNJAM_PAYLOAD_TOO_LARGE", { task, bytes, bytesMax: PAYLOAD_BYTES_MAX });
  }
  if (isDeeperThan(json.text, PAYLOAD_DEPTH_MAX)) {
    throw new UnjamError("UNJAM_PAYLOAD_TOO_DEEP", { task, depthMax: PAYLOAD_DEPTH_MAX });
  }
  return json.text;
}

/** What a handler returned, as JSON text, or why it cannot be stored. `undefined` is stored as nothing. */
export function serializeResult(
  result: unknown,
  id: string,
): { readonly result: string | null; readonly problem: UnjamError | null } {
  if (result === undefined) return { result: null, problem: null };
  const json = stringify(result);
  if (json.text === undefined) {
    const problem = new UnjamError("UNJAM_RESULT_NOT_SERIALIZABLE", { id, reason: json.reason });
    return { result: null, problem };
  }
  const bytes = utf8Bytes(json.text, RESULT_BYTES_MAX);
  if (bytes <= RESULT_BYTES_MAX) return { result: json.text, problem: null };
  const problem = new UnjamError("UNJAM_RESULT_TOO_LARGE", {
    id,
    bytes,
    bytesMax: RESULT_BYTES_MAX,
  });
  return { result: null, problem };
}

type Json = { readonly text: string } | { readonly text: undefined; readonly reason: string };

function stringify(value: unknown): Json {
  try {
    const text: string | undefined = JSON.stringify(value);
    return text === undefined ? { text, reason: `it is ${typeof value}` } : { text };
  } catch (error) {
    // What a toJSON throws is the caller's: to read it may throw too.
    return { text: undefined, reason: isError(error) ? toErrorRecord(error).message : "it threw" };
  }
}

/** Exact only near the limit: a text that fits even at three bytes a character needs no counting. */
function utf8Bytes(text: string, limit: number): number {
  if (text.length * 3 <= limit) return text.length;
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/**
 * Counts brackets outside strings. A text shorter than twice the limit cannot be too deep, so
 * the common payload is not even scanned.
 */
function isDeeperThan(json: string, depthMax: number): boolean {
  if (json.length < 2 * depthMax) return false;
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < json.length; index++) {
    const code = json.charCodeAt(index);
    if (isInString) {
      if (code === 92) index++;
      else if (code === 34) isInString = false;
    } else if (code === 34) isInString = true;
    else if (code === 123 || code === 91) {
      depth++;
      if (depth > depthMax) return true;
    } else if (code === 125 || code === 93) depth--;
  }
  return false;
}
