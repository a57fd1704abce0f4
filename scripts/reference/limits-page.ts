import { readFileSync } from "node:fs";
import * as limits from "../../src/core/limits.ts";
import { markdownTable, numberInCode, referencePage } from "./page.ts";
import type { ReferencePage } from "./page.ts";

const SOURCE = new URL("../../src/core/limits.ts", import.meta.url);
/** A constant with the comment right above it, if it has one. */
const CONSTANT = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?export const (\w+)/g;

/** Which unit a name ends in or carries; the first that fits. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/_MS(?:_|$)/, "ms"],
  [/_BYTES(?:_|$)/, "bytes"],
  [/_CHARS(?:_|$)/, "characters"],
  [/_FRACTION$|_JITTER_/, "share"],
  [/_FACTOR_/, "factor"],
];

export function limitsPage(): ReferencePage {
  const values = new Map<string, unknown>(Object.entries(limits));
  const rows = [...readFileSync(SOURCE, "utf8").matchAll(CONSTANT)].map(
    ([, comment, name = ""]) => {
      const value = values.get(name);
      if (typeof value !== "number") throw new TypeError(`limits.ts: ${name} is not a number`);
      const unit = UNITS.find(([pattern]) => pattern.test(name))?.[1] ?? "count";
      return [`\`${name}\``, numberInCode(value), unit, sentence(comment ?? "")];
    },
  );
  return referencePage("limits", [
    "# Limits",
    "Everything has a limit. What can be changed is an option (options.md); the rest is fixed, and this is why.",
    markdownTable(["limit", "value", "unit", "why"], rows),
  ]);
}

function sentence(comment: string): string {
  return comment.replaceAll(/\n?\s*\*\s+/g, " ").trim();
}
