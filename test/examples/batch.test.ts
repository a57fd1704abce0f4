import { describe, expect, it } from "vitest";
import { runExample } from "./example.ts";

describe("batch", () => {
  it("ends with how many were billed, how many failed, and the first ten errors", async () => {
    const { code, stdout } = await runExample("batch/main.ts");

    const [summary, ...errors] = stdout.trim().split("\n");
    expect(summary).toBe("490 orders billed, 10 failed; the first of them:");
    expect(errors).toHaveLength(10);
    expect(errors).toContain("  49: Error: order 49 has no address");
    expect(code).toBe(0);
  });

  it("hangs where only what is done is counted", async () => {
    const { code, stdout, stderr } = await runExample("batch/broken.ts");

    expect(stderr).toContain("a worker died: Error: order 49 has no address\n");
    expect(stderr).toMatch(/still waiting for the batch after 1000 ms: \d+ done\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("with the same mistake on leases names the ten orders and where they were taken, however early some are collected", async () => {
    const { code, stdout, stderr } = await runExample("batch/same-mistake.ts");

    const named = [
      ...stderr.matchAll(
        /^ {2}(\d+): held by a lease of work\(\) for \d+ ms, taken at same-mistake\.ts:\d+ in work$/gm,
      ),
      ...stderr.matchAll(
        /value: '(\d+)',\n +error: Error: the lease was garbage-collected before it was settled; it was taken at same-mistake\.ts:\d+ in work$/gm,
      ),
    ].map(([, order]) => Number(order));
    expect(named.toSorted((a, b) => a - b)).toEqual([
      49, 99, 149, 199, 249, 299, 349, 399, 449, 499,
    ]);
    const hasTimedOut = /^UNJAM_JOIN_TIMEOUT: \d+ unfinished after 1000 ms; /m.test(stderr);
    expect({ code, stdout }).toEqual({ code: hasTimedOut ? 124 : 1, stdout: "" });
  });
});
