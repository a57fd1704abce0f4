import type { StandardSchema } from "../../src/core/standard-schema.ts";

/** Schemas as a library would make them, written by hand: no validator is a dependency. */
type Validate<Out> = StandardSchema<unknown, Out>["~standard"]["validate"];

function schema<In, Out>(validate: Validate<Out>): StandardSchema<In, Out> {
  return { "~standard": { version: 1, vendor: "by-hand", validate } };
}

interface Order {
  readonly item: string;
  readonly count: number;
}

function check(value: unknown): Awaited<ReturnType<Validate<Order>>> {
  const issues: { message: string; path: string[] }[] = [];
  const given: object = typeof value === "object" && value !== null ? value : {};
  const item: unknown = Reflect.get(given, "item");
  const count: unknown = Reflect.get(given, "count") ?? 1;
  if (typeof item !== "string") issues.push({ message: "expected a text", path: ["item"] });
  if (typeof count !== "number") issues.push({ message: "expected a number", path: ["count"] });
  if (issues.length > 0) return { issues };
  return { value: { item: item as string, count: count as number } };
}

/** Wants `item`, and fills in `count`: its output is not its input. */
export const orderSchema: StandardSchema<{ item: string; count?: number }, Order> = schema(check);

/** The same, with an answer that takes a while. */
export const slowOrderSchema: StandardSchema<{ item: string; count?: number }, Order> = schema(
  async (value) => check(value),
);

/** A validator that is broken itself. */
export const brokenSchema: StandardSchema<object, object> = schema(() => {
  throw new TypeError("the validator is broken");
});
