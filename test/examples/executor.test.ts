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

  it("with the same mistake on consumers refuses a call at once, and says who died last and why", async () => {
    const { code, stdout, stderr } = await runExample("executor/same-mistake.ts");

    expect(stdout).toBe("failure: RangeError: out of range\n".repeat(2));
    expect(stderr).toMatch(
      /^UNJAM_NO_CONSUMER: queue "calls" .* the last, worker-[12], went \d+ ms ago: .* last: out of range$/m,
    );
    expect(code).toBe(3);
  });
});
