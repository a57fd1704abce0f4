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
    const json: string | undefined = isError(value) ? undefined : JSON.stringify(value);
    return json ?? String(value);
  } catch {
    return `one ${typeof value} that cannot be told`;
  }
}
