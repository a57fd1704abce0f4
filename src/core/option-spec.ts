import type { OptionSpec } from "./options.ts";

type Bounds = readonly [min: number, max: number];

/** A duration in milliseconds; `undefined` has no default. */
export function ms(fallback: number | undefined, [min, max]: Bounds, about: string): OptionSpec {
  return { kind: "number", unit: "ms", fallback, min, max, about };
}

/** A whole number; `undefined` has no default. */
export function count(fallback: number | undefined, [min, max]: Bounds, about: string): OptionSpec {
  return { kind: "number", unit: "count", fallback, min, max, about };
}

/** A size in bytes; `undefined` has no default. */
export function bytes(fallback: number | undefined, [min, max]: Bounds, about: string): OptionSpec {
  return { kind: "number", unit: "bytes", fallback, min, max, about };
}

/** What ends a wait early. */
export const SIGNAL: OptionSpec = {
  kind: "other",
  expected: "an AbortSignal",
  about: "ends the wait, not the work",
};
