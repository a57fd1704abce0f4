import { UnjamError } from "./errors.ts";
import { QUEUE_NAME_CHARS_MAX } from "./limits.ts";

/**
 * What one option takes. `unit` and the bounds are printed in messages and in
 * docs/reference/options.md, so that the table is the only place that knows them.
 */
export type OptionSpec =
  | {
      readonly kind: "number";
      readonly unit: "ms" | "count" | "bytes" | "share" | "epochMs" | "factor";
      readonly fallback: number | undefined;
      readonly min: number;
      readonly max: number;
      readonly about: string;
    }
  | {
      readonly kind: "text";
      readonly fallback: string | undefined;
      readonly charsMax: number;
      readonly about: string;
    }
  | { readonly kind: "queue"; readonly fallback: string | undefined; readonly about: string }
  | {
      readonly kind: "choice";
      readonly fallback: string | undefined;
      readonly choices: readonly string[];
      readonly about: string;
    }
  | { readonly kind: "flag"; readonly fallback: boolean | undefined; readonly about: string }
  | { readonly kind: "function"; readonly fallback: undefined; readonly about: string }
  /** A nested table, checked on its own; absent means its fallbacks. */
  | { readonly kind: "group"; readonly of: OptionTable; readonly about: string }
  /** A value with a shape of its own, checked by the code that uses it. */
  | { readonly kind: "other"; readonly expected: string; readonly about: string };

/** One spec per name. `V` is what {@link readOptions} gives back: every name, fallbacks filled in. */
export type OptionTable<V = Readonly<Record<string, unknown>>> = {
  readonly [K in keyof V]-?: OptionSpec;
};

/**
 * Checks what a caller gave against a table, once, at the border.
 * @param where how the caller knows the place: `task("resize")`, `open()`.
 * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION, UNJAM_QUEUE_NAME_INVALID
 */
export function readOptions<V extends object>(
  table: OptionTable<V>,
  given: unknown,
  where: string,
): V {
  if (
    given !== undefined &&
    (typeof given !== "object" || given === null || Array.isArray(given))
  ) {
    throw invalid("its options", where, "an object", given);
  }
  const specs = new Map<string, OptionSpec>(Object.entries(table));
  const values: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(given ?? {})) {
    const spec = specs.get(option);
    if (spec === undefined) {
      throw new UnjamError("UNJAM_UNKNOWN_OPTION", { option, where, known: [...specs.keys()] });
    }
    if (value !== undefined) values[option] = readOption(spec, value, { option, where });
  }
  for (const [option, spec] of specs) {
    if (Object.hasOwn(values, option)) continue;
    if (spec.kind === "group") values[option] = readOptions(spec.of, undefined, where);
    else if ("fallback" in spec) values[option] = spec.fallback;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built from the table, name by name, just above.
  return values as V;
}

/** What is being read, as messages name it. */
interface Place {
  readonly option: string;
  readonly where: string;
}

function readOption(spec: OptionSpec, value: unknown, { option, where }: Place): unknown {
  if (spec.kind === "other") return value;
  if (spec.kind === "group") return readOptions(spec.of, value, `${where} ${option}`);
  if (spec.kind === "queue") return readQueueName(value, option, where);
  if (!fits(spec, value)) throw invalid(option, where, expected(spec), value);
  return value;
}

function fits(
  spec: Exclude<OptionSpec, { kind: "other" | "group" | "queue" }>,
  value: unknown,
): boolean {
  if (spec.kind === "flag") return typeof value === "boolean";
  if (spec.kind === "function") return typeof value === "function";
  if (spec.kind === "choice") return typeof value === "string" && spec.choices.includes(value);
  if (spec.kind === "text") {
    return typeof value === "string" && value.length > 0 && value.length <= spec.charsMax;
  }
  const whole = spec.unit === "count" || spec.unit === "bytes" || spec.unit === "epochMs";
  return (
    typeof value === "number" &&
    value >= spec.min &&
    value <= spec.max &&
    (!whole || Number.isInteger(value))
  );
}

const UNIT_NAMES = {
  ms: "a number of milliseconds",
  count: "a whole number",
  bytes: "a whole number of bytes",
  share: "a share",
  epochMs: "a date in milliseconds since 1970",
  factor: "a factor",
} as const;

/** What an option takes, in words. */
export function expected(spec: OptionSpec): string {
  switch (spec.kind) {
    case "number":
      return `${UNIT_NAMES[spec.unit]} from ${spec.min} to ${spec.max}`;
    case "text":
      return `a text of 1 to ${spec.charsMax} characters`;
    case "choice":
      return `one of ${spec.choices.map((choice) => JSON.stringify(choice)).join(", ")}`;
    case "flag":
      return "true or false";
    case "function":
      return "a function";
    case "queue":
      return "the name of a queue";
    case "group":
      return "an object";
    case "other":
      return spec.expected;
  }
}

const NAME = /^[A-Za-z0-9._:/-]+$/;

/** @throws UNJAM_QUEUE_NAME_INVALID */
export function readQueueName(value: unknown, option: string, where: string): string {
  if (typeof value !== "string") throw invalid(option, where, "the name of a queue", value);
  if (value.length > QUEUE_NAME_CHARS_MAX || !NAME.test(value)) {
    throw new UnjamError("UNJAM_QUEUE_NAME_INVALID", {
      name: value,
      charsMax: QUEUE_NAME_CHARS_MAX,
    });
  }
  return value;
}

export function readSignal(signal: unknown, where: string): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw invalid("signal", where, "an AbortSignal", signal);
}

/** The one form of "expected this, got that". Values are cut, so that a secret is not logged whole. */
export function invalid(
  ...[option, where, wanted, value]: [option: string, where: string, wanted: string, value: unknown]
): UnjamError<"UNJAM_INVALID_OPTION"> {
  return new UnjamError("UNJAM_INVALID_OPTION", {
    option,
    where,
    expected: wanted,
    got: show(value),
  });
}

function show(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "number" || typeof value === "boolean" || value === null)
    return String(value);
  return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}
