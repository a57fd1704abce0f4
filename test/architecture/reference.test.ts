import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { referencePages } from "../../scripts/write-reference.ts";
import { projectPaths } from "./source-tree.ts";

const root = new URL("../../", import.meta.url);

describe("docs/reference", () => {
  it.each(referencePages())("$path is what `npm run reference` writes", ({ path, text }) => {
    const file = new URL(path, root);

    expect(existsSync(file) ? readFileSync(file, "utf8") : "missing").toBe(text);
  });

  it("holds nothing that is written by hand", () => {
    const generated = new Set(referencePages().map(({ path }) => path));
    const others = projectPaths().filter(
      (path) => path.startsWith("docs/reference/") && !generated.has(path),
    );

    expect(others).toEqual([]);
  });
});
