import { describe, expect, it } from "vitest";
import { findLines, projectPaths, readSources } from "./source-tree.ts";

const LINES_MAX = 400;
const CODE = /^(?:src|test|scripts|bench|examples|bin)\/.*\.(?:ts|js|mjs|cjs)$/;

/** Folders and files that would say nothing about what is in them. */
const DRAWER = /^(?:utils?|helpers?|common|misc|lib|types|interfaces|managers?)$/;
/** Named by what they prove: tests about types. */
const NO_DRAWER = /^test\/types\//;

const KEBAB_CASE = /^_?[a-z0-9]+(?:-[a-z0-9]+)*$/;

const paths = projectPaths();

describe("files", () => {
  it(`have at most ${LINES_MAX} lines`, () => {
    const long = readSources(CODE)
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
      .filter(({ lines }) => lines > LINES_MAX);

    expect(long).toEqual([]);
  });

  it("are named after a noun, not after a drawer", () => {
    const drawers = paths.filter(
      (path) =>
        CODE.test(path) && !NO_DRAWER.test(path) && stems(path).some((stem) => DRAWER.test(stem)),
    );

    expect(drawers).toEqual([]);
  });

  it("are named in kebab-case", () => {
    const others = paths.filter(
      (path) => CODE.test(path) && !stems(path).every((stem) => KEBAB_CASE.test(stem)),
    );

    expect(others).toEqual([]);
  });

  it("know nothing about the machine they were written on", () => {
    const own = readSources(/\.(?:ts|js|mjs|cjs|json|jsonc|md|yml|sh|html|css)$|^\.ci\/|^\.npmrc$/);

    expect(findLines(own, /(?<![\w.-])\/(?:work|root)\/[\w.@-]/)).toEqual([]);
  });

  it("name no package registry", () => {
    const own = readSources(/\.(?:ts|js|json|md|yml|sh)$|^\.ci\/|(?:^|\/)\.npmrc$/);

    expect(findLines(own, /\bregistry\.[a-z]|^\s*registry\s*=|"resolved": +"http/)).toEqual([]);
  });
});

/** The names in a path without endings: `src/core/job.test.ts` is src, core and job. */
function stems(path: string): readonly string[] {
  return path.split("/").map((name) => name.split(".")[0] ?? "");
}
