import { describe, expect, it } from "vitest";
import { findLines, readSources, withoutComments } from "./source-tree.ts";

/** Fixtures are programs under test: a handler there may take its time. */
const tests = readSources(/\.test\.ts$|^test\/.*\.ts$/)
  .filter(({ path }) => !/^test\/architecture\/|\/fixtures\//.test(path))
  .map(({ path, text }) => ({ path, text: withoutComments(text) }));

describe("tests", () => {
  it("wait for an event or move the clock, and never sleep", () => {
    const sleep =
      /timers\/promises|\bsleep\w*\(|setTimeout\(\s*(?:r|res|resolve|done|next)\w*\s*,|setTimeout\(\s*\(\)\s*=>\s*(?:r|res|resolve|done)\(|Atomics\.wait\(/;

    expect(findLines(tests, sleep)).toEqual([]);
  });

  it("are never skipped, nor run alone", () => {
    const skipped =
      /\b(?:it|test|describe|suite)(?:\.\w+)*\.(?:skip|only|fails|skipIf|runIf)\b|\b(?:context|ctx|t)\.skip\(|\b(?:skip|only): true\b/;

    expect(findLines(tests, skipped)).toEqual([]);
  });

  it("that are still to be written stand in test/systems, where they are printed by name", () => {
    const elsewhere = tests.filter(({ path }) => !path.startsWith("test/systems/"));

    expect(findLines(elsewhere, /\.todo\b|\btodo: true\b/)).toEqual([]);
  });

  it("have names that state a fact, without should", () => {
    expect(findLines(tests, /\b(?:it|test)(?:\.each\([^)]*\))?\(\s*["'`]should\b/)).toEqual([]);
  });
});
