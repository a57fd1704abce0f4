import { expect, it } from "vitest";
import { plainFields } from "./plain-fields.ts";

const circle: Record<string, unknown> = {};
circle["self"] = circle;

it.each([
  [1, 1],
  [1n, 1n],
  ["text", "text"],
  [true, true],
  [undefined, undefined],
  [null, null],
  [Symbol("s"), "Symbol(s)"],
  [() => 1, "() => 1"],
  [{ call: () => 1, n: 2 }, '{"n":2}'],
  [new RangeError("no luck"), "RangeError: no luck"],
  [circle, "one object that cannot be told"],
])("the field %o can be sent as %o", (value, plain) => {
  expect(plainFields({ value })).toEqual({ value: plain });
});

it("a field that cannot even be looked at can be sent", () => {
  const locked = {
    toJSON: (): never => {
      throw new Error("no");
    },
  };

  expect(plainFields({ locked })).toEqual({ locked: "one object that cannot be told" });
});
