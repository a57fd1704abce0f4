import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/packed-project.ts";

const FENCE = /^```\w+ title="(?<file>[^"]+)"[^\n]*\n(?<text>[\s\S]*?)^```$/gm;

/** The page that users read: what the tests build and run is what stands there. */
export const PAGE: string = readFileSync(join(ROOT, "docs/frameworks.md"), "utf8");

const FILES: ReadonlyMap<string, string> = new Map(
  [...PAGE.matchAll(FENCE)].map(({ groups }) => [groups?.["file"] ?? "", groups?.["text"] ?? ""]),
);

/** One file of the page, by its title. */
export function pageFile(title: string): string {
  const text = FILES.get(title);
  if (text === undefined) throw new RangeError(`docs/frameworks.md has no file "${title}"`);
  return text;
}

/** The files of one section: what is titled `name/…`, without the name. */
export function recipe(name: string): Readonly<Record<string, string>> {
  const files = [...FILES].filter(([title]) => title.startsWith(`${name}/`));
  if (files.length === 0) throw new RangeError(`docs/frameworks.md has no files of "${name}"`);
  return Object.fromEntries(files.map(([title, text]) => [title.slice(name.length + 1), text]));
}
