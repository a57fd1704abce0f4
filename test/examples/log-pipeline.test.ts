import { describe, expect, it } from "vitest";
import { runExample } from "./example.ts";

describe("log-pipeline", () => {
  it("indexes every line that has a level exactly once, with few in memory", async () => {
    const { code, stdout, stderr } = await runExample("log-pipeline/main.ts");

    const [summary, server = "", ...errors] = stdout.trim().split("\n");
    expect(summary).toBe("3996 lines indexed, 4 refused, 0 sent twice");
    const [, indexed, inMemory] = /the server has (\d+); at most (\d+) were/.exec(server) ?? [];
    expect(indexed).toBe("3996");
    // Those that wait, and what three writers hold.
    expect(Number(inMemory)).toBeLessThanOrEqual(200 + 3 * 50);
    expect(errors.map((line) => line.trim()).toSorted()).toEqual(
      [251, 751, 1251, 1751]
        .map((n) => `worker.log:${n}: Error: the search server answered 400`)
        .toSorted(),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("hangs where a line that is refused ends its writer: the readers wait for room", async () => {
    const { code, stdout, stderr } = await runExample("log-pipeline/broken.ts");

    expect(stderr.match(/^writer [123] died: /gm)).toHaveLength(3);
    expect(stderr).toMatch(
      /still reading after 3000 ms: 200 lines in the queue, 2 readers wait for room\n$/,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("with the same mistake on a JoinableQueue tells the readers who died last and why", async () => {
    const { code, stdout, stderr } = await runExample("log-pipeline/same-mistake.ts");

    expect(stderr).toMatch(
      /^UNJAM_NO_CONSUMER: queue "lines" .* the last, writer-[123], went \d+ ms ago: its handler threw once .* answered (?:429|503)\n$/m,
    );
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
  });
});
