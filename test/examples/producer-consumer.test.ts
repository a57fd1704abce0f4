import { describe, expect, it } from "vitest";
import { runExample } from "./example.ts";

describe("producer-consumer", () => {
  it("counts every line that can be read, and tells of the one that cannot", async () => {
    const { code, stdout, stderr } = await runExample("producer-consumer/main.ts");

    expect(stdout.split("\n").slice(0, 1)).toEqual(["199 lines counted, 1 failed"]);
    expect(stdout).toContain("  ERROR 20\n");
    expect(stdout).toContain("  INFO 179\n");
    expect(stdout).toContain('  "ERR": Error: not a log line: ERR\n');
    // Its queue of eight is full most of the time, which is no reason for a warning.
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("hangs in join() where one path forgets taskDone()", async () => {
    const { code, stdout, stderr } = await runExample("producer-consumer/broken.ts");

    expect(stderr).toBe("still waiting for join() after 1000 ms: 1 unfinished\n");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("with the same mistake on leases ends by naming the line, its holder and the place", async () => {
    const { code, stderr } = await runExample("producer-consumer/same-mistake.ts");

    expect(stderr).toMatch(/^UNJAM_JOIN_TIMEOUT: /);
    expect(stderr).toMatch(
      /"ERR": held by a lease of consume\(\) for \d+ ms, taken at same-mistake\.ts:\d+/,
    );
    expect(code).toBe(124);
  });
});
