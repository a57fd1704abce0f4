import { isError } from "./is-error.ts";

/** The fields of a log line with text in place of all that is no plain value: any line can carry it. */
export function plainFields(
  fields: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const plain = Object.entries(fields).map(([name, value]) => [name, plainValue(value)] as const);
  return Object.fromEntries(plain);
}

function plainValue(value: unknown): unknown {
  const isPlain = value === null || !["object", "function", "symbol"].includes(typeof value);
  if (isPlain) return value;
  try {
    if (isError(value)) return `${value.name}: ${value.message}`;
    const json: unknown = typeof value === "object" ? JSON.stringify(value) : undefined;
    // oxlint-disable-next-line typescript/no-base-to-string -- a function, a symbol, or an object that is no JSON.
    return json ?? String(value);
  } catch {
    return `one ${typeof value} that cannot be told`;
  }
}
