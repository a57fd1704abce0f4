/**
 * Whether a value is an error, also one of another realm: under jest a test has an `Error` of its
 * own, and what Node throws, or a signal's default reason, is none by `instanceof`.
 */
export function isError(value: unknown): value is Error {
  if (value instanceof Error) return true;
  const kind = Object.prototype.toString.call(value);
  return kind === "[object Error]" || kind === "[object DOMException]";
}
