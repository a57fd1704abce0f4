import { describe, expect, it } from "vitest";
import { runExample } from "./example.ts";

const CORRUPT = [7, 17, 27, 37, 47, 57].map((n) => `photo-${n}.jpg`);

describe("image-resizer", () => {
  it("makes every photo of a surge that can be read, and lists the corrupt ones with their error", async () => {
    const { code, stdout, stderr } = await runExample("image-resizer/main.ts");

    const [summary, sizes, ...errors] = stdout.trim().split("\n");
    expect([summary, sizes]).toEqual(["54 photos made, 6 failed", "  54 of 160 x 120"]);
    const names = new Set(errors.map((line) => line.trim().split(": ")[0]));
    expect(names).toEqual(new Set(CORRUPT));
    expect(errors.every((line) => /: Error: ./.test(line))).toBe(true);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("hangs in join() where a corrupt photo ends its resizer before taskDone()", async () => {
    const { code, stdout, stderr } = await runExample("image-resizer/broken.ts");

    expect(stderr.match(/^resizer [123] died: Error: /gm)).toHaveLength(3);
    expect(stderr).toMatch(/still waiting for join\(\) after 3000 ms: \d+ unfinished\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it("with the same mistake on a JoinableQueue ends its join, and names who died last and why", async () => {
    const { code, stderr } = await runExample("image-resizer/same-mistake.ts");

    expect(stderr).toMatch(
      /^UNJAM_NO_CONSUMER: .* the last, resizer-[123], went \d+ ms ago: its handler threw once/m,
    );
    expect(stderr).toMatch(/^ {2}\d+ photos wait for somebody who takes them\n$/m);
    expect(code).toBe(3);
  });
});
