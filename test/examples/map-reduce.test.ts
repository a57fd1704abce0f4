import { describe, expect, it } from "vitest";
import { runExample } from "./example.ts";

describe("map-reduce", () => {
  it("loses a thread, no text, and comes to the right counts", async () => {
    const { code, stdout } = await runExample("map-reduce/main.ts");

    const [summary, ...counts] = stdout.trim().split("\n");
    expect(summary).toBe("24 texts mapped, 0 failed, 1 thread lost");
    const total = counts.map((line) => Number(line.split(" ").at(-1)));
    expect(counts).toContain("  queue 4000");
    expect(total.reduce((sum, count) => sum + count, 0)).toBe(24 * 500);
    expect(code).toBe(0);
  });

  it("hangs where nobody notices that a thread died", async () => {
    const { code, stdout, stderr } = await runExample("map-reduce/broken.ts");

    expect(stderr).toBe("still waiting for the mappers after 3000 ms: 23 of 24 texts mapped\n");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("with a text that kills every thread ends with that text's name, and maps the others", async () => {
    const { code, stdout, stderr } = await runExample("map-reduce/same-mistake.ts");

    expect(stderr).toMatch(/^UNJAM_JOB_FAILED: job "\w+" \(map\) is dead /m);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "23 texts mapped, 1 failed\n" });
  });
});
