import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { DataFolder } from "../../bench/data-folder.ts";

it("a benchmark's data folder is refused in memory, also behind a link", () => {
  const memory = mkdtempSync("/dev/shm/unjam-bench-");
  const home = mkdtempSync(join(tmpdir(), "unjam-bench-"));
  try {
    const link = join(home, "link");
    symlinkSync(memory, link);

    for (const folder of [memory, link, join(link, "below")]) {
      expect(() => new DataFolder(folder)).toThrow(/is on tmpfs, where fsync costs nothing/);
    }
  } finally {
    for (const folder of [memory, home]) rmSync(folder, { recursive: true });
  }
});
