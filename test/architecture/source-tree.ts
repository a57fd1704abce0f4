import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What other programs write, or what is not the project's own text. */
const FOREIGN = new Set([".git", "node_modules", "dist", "coverage", ".unjam", ".data", ".next"]);

export interface SourceFile {
  /** From the root of the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Paths of all files of the project, wherever they are, sorted. */
export function projectPaths(): readonly string[] {
  const walk = (folder: string): string[] =>
    readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
      if (FOREIGN.has(entry.name)) return [];
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? walk(path) : [path];
    });
  return walk("").toSorted();
}

export function readSources(pattern: RegExp): readonly SourceFile[] {
  return projectPaths()
    .filter((path) => pattern.test(path))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

const COMMENT_OR_STRING =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;

/** The text with its comments blanked, so that prose about a call does not count as one. */
export function withoutComments(text: string): string {
  return text.replaceAll(COMMENT_OR_STRING, (found) =>
    found.startsWith("/") ? found.replaceAll(/[^\n]/g, " ") : found,
  );
}

/** The text with comments and what is quoted blanked: only code is left. */
export function withoutProse(text: string): string {
  return text.replaceAll(COMMENT_OR_STRING, (found) => found.replaceAll(/[^\n]/g, " "));
}

/** `path:line: the line` of each place where the pattern is found. */
export function findLines(sources: readonly SourceFile[], pattern: RegExp): readonly string[] {
  return sources.flatMap(({ path, text }) =>
    text
      .split("\n")
      .flatMap((line, index) =>
        pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
      ),
  );
}
