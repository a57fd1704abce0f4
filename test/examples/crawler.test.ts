import { describe, expect, it } from "vitest";
import { runExample } from "./example.ts";

describe("crawler", () => {
  it("crawls each page of its site once, and tells of the missing ones", async () => {
    const { code, stdout } = await runExample("crawler/main.ts");

    const [summary, ...errors] = stdout.trim().split("\n");
    expect(summary).toBe("60 pages crawled, 6 missing");
    expect(errors).toHaveLength(6);
    expect(errors.every((line) => /\/missing\/\d+ answered 404$/.test(line))).toBe(true);
    expect(code).toBe(0);
  });

  it("hangs where its crawlers put into their own full queue", async () => {
    const { code, stdout, stderr } = await runExample("crawler/broken.ts");

    expect(stderr).toMatch(/^still waiting for room after 2000 ms: 4 crawlers wait,\n/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("with the same mistake on a JoinableQueue ends its join, and names the cycle", async () => {
    const { code, stdout, stderr } = await runExample("crawler/same-mistake.ts");

    expect(stdout).toMatch(/^\d+ pages crawled, \d+ failed\n$/);
    expect(stderr).toMatch(
      /UNJAM_DEADLOCK: .* holds an item of queue "pages" \(same-mistake\.ts:\d+.*, where the loop began\) and waits for room in queue "pages" \(same-mistake\.ts:\d+ in crawl(?:, sampled)?\)/,
    );
    expect(code).toBe(3);
  });
});
