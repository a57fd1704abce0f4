import { describe, expect, it } from "vitest";
import { nearest } from "./spelling.ts";

const KNOWN = ["worker", "enqueue", "jobs", "queues", "doctor"];

describe("the nearest word", () => {
  it.each([
    ["wroker", "worker"],
    ["job", "jobs"],
    ["queue", "queues"],
    ["enqueu", "enqueue"],
    ["dcotor", "doctor"],
  ])("to %s is %s", (word, meant) => {
    expect(nearest(word, KNOWN)).toBe(meant);
  });

  it.each(["xyzzy", "", "top", "constructor"])("to %j is not among them", (word) => {
    expect(nearest(word, KNOWN)).toBeUndefined();
  });

  it("is none where nothing is known", () => {
    expect(nearest("jobs", [])).toBeUndefined();
  });
});
