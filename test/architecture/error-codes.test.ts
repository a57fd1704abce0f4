import { describe, expect, it } from "vitest";
import { ERRORS } from "../../src/core/error-table.ts";
import { readSources, withoutComments } from "./source-tree.ts";
import type { SourceFile } from "./source-tree.ts";

const TABLE = "src/core/error-table.ts";
const codes = new Set(Object.keys(ERRORS));
const sources = readSources(/^src\/.*\.ts$/).filter(({ path }) => !path.endsWith(".test.ts"));

/** Words of the form UNJAM_X that are error codes: not the names of environment variables. */
function namedCodes({ text }: SourceFile): readonly string[] {
  const words = text.matchAll(/(\benv(?:\.|\[["']))?\b(UNJAM_[A-Z0-9_]*[A-Z0-9])\b/g);
  return [...words].flatMap(([, env, code = ""]) => (env === undefined ? [code] : []));
}

/** Where a code is only asked about, not raised. */
const ASKED =
  /isUnjamError\([^()]*(?:\([^()]*\)[^()]*)*\)|\bcase\s+"UNJAM_\w+"|[!=]==\s*"UNJAM_\w+"|"UNJAM_\w+"\s*[!=]==/g;

describe("error codes", () => {
  it.each(sources)("$path names only codes of the table", (source) => {
    expect(namedCodes(source).filter((code) => !codes.has(code))).toEqual([]);
  });

  it("in README and docs stand in the table", () => {
    const pages = readSources(/^(?:README|ARCHITECTURE|CHANGELOG)\.md$|^docs\/.*\.md$/);
    const unknown = pages.flatMap((page) =>
      namedCodes(page)
        .filter((code) => !codes.has(code))
        .map((code) => `${page.path}: ${code}`),
    );

    expect(unknown).toEqual([]);
  });

  it("of the table are raised somewhere", () => {
    const raised = new Set(
      sources
        .filter(({ path }) => path !== TABLE)
        .flatMap(({ text }) => [
          ...withoutComments(text)
            .replaceAll(ASKED, "")
            .matchAll(/"(UNJAM_\w+)"/g),
        ])
        .map(([, code]) => code),
    );

    expect([...codes].filter((code) => !raised.has(code))).toEqual([]);
  });

  it.each(Object.entries(ERRORS))("%s says what to do, in a sentence", (_code, { help }) => {
    expect(help).toMatch(/\w.*[.)]$/);
  });
});
