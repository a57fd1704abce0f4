import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("fixtures/idle-program.ts", import.meta.url));

describe("a process with a pool", () => {
  it("stays for a call that is under way, ends without one, and prints what its threads print", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [program]);

    expect(stdout.split("\n").toSorted((a, b) => a.localeCompare(b))).toEqual([
      "",
      "answered 2",
      "printed in a thread",
    ]);
  });
});
