import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { toErrorRecord } from "./error-record.ts";
import { isError } from "./is-error.ts";

describe("isError", () => {
  it.each([
    ["an error", new TypeError("wrong")],
    ["an error of another realm", runInNewContext("new RangeError('far away')")],
    ["a signal's default reason", AbortSignal.abort().reason],
  ])("knows %s", (_, value) => {
    expect(isError(value)).toBe(true);
  });

  it.each([["text"], [null], [undefined], [{ name: "Error", message: "a lie" }]])(
    "does not take %j for one",
    (value) => {
      expect(isError(value)).toBe(false);
    },
  );

  it("lets an error of another realm keep its name and message in a record", () => {
    const thrown: unknown = runInNewContext("new RangeError('far away')");

    expect(toErrorRecord(thrown)).toMatchObject({ name: "RangeError", message: "far away" });
  });
});
