import { describe, expect, it } from "vitest";
import { runExample } from "./example.ts";

describe("executor", () => {
  it("answers every function with its result or its error, and refuses those after its end", async () => {
    const { code, stdout } = await runExample("executor/main.ts");

    expect(stdout.trim().split("\n")).toEqual([
      "squares: 0 1 4 9 16 25 36 49 64 81",
      "text: ANY TYPE",
      "failure: RangeError: out of range",
      "after it: 2",
      'closed: UnjamError: queue "calls" is closed',
    ]);
    expect(code).toBe(0);
  });

  it("is deaf where a throw ends its workers", async () => {
    const { code, stdout, stderr } = await runExample("executor/broken.ts");

    expect(stderr).toContain("worker 2 died: RangeError: out of range\n");
    expect(stderr).toMatch(/still waiting for a result after 1000 ms: 1 calls wait\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });
});
