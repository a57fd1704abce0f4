import { describe, expect, it } from "vitest";
import { runExample } from "./example.ts";

describe("counters", () => {
  it("count exactly under a lock and with one owner, and keep the sum under two locks", async () => {
    const { code, stdout } = await runExample("counters/main.ts");

    expect(stdout.trim().split("\n")).toEqual([
      "under a lock: 2000 of 2000",
      "with one owner: 2000 of 2000",
      "two locks in one order: the sum is 100 of 100",
    ]);
    expect(code).toBe(0);
  });

  it("lose updates without a lock", async () => {
    const { code, stdout } = await runExample("counters/race.ts");

    const [counted = 0, lost = 0] = [...stdout.matchAll(/(\d+) (?:of|updates)/g)].map(([, n]) =>
      Number(n),
    );
    expect(lost).toBeGreaterThan(0);
    expect(counted + lost).toBe(2_000);
    expect(code).toBe(1);
  });

  it("hang where two locks are taken in two orders", async () => {
    const { code, stdout, stderr } = await runExample("counters/broken.ts");

    expect(stderr).toBe("still waiting for both moves after 1000 ms\n");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("with the same mistake on mutexes end with one move refused by both places, and one made", async () => {
    const { code, stdout, stderr } = await runExample("counters/same-mistake.ts");

    expect(stdout.trim()).toMatch(/^(?:deposited|withdrawn)$/);
    expect(stderr).toMatch(/^UNJAM_DEADLOCK: /m);
    const place = String.raw`\(same-mistake\.ts:\d+(?: in \w+)?\)`;
    for (const [held, wanted] of [
      ["L1", "L2"],
      ["L2", "L1"],
    ]) {
      expect(stderr).toMatch(
        new RegExp(`holds mutex "${held}" ${place}, waits for mutex "${wanted}" ${place}`),
      );
    }
    expect(code).toBe(3);
  });
});
