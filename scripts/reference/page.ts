/** A file of docs/reference/, whole. */
export interface ReferencePage {
  /** From the root of the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export function referencePage(name: string, paragraphs: readonly string[]): ReferencePage {
  const note = "<!-- Written by `npm run reference` from src/core. Change it there. -->";
  return {
    path: `docs/reference/${name}.md`,
    text: `${[note, ...paragraphs].join("\n\n")}\n`,
  };
}

/** A Markdown table. Cells are escaped, except that code is taken as it is. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function escapeCell(cell: string): string {
  const text = cell.includes("`") ? cell : cell.replaceAll("<", "&lt;");
  return text.replaceAll("|", String.raw`\|`);
}

/** As one would write it in TypeScript: 300_000. */
export function numberInCode(value: number): string {
  return Number.isInteger(value)
    ? String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, "_")
    : String(value);
}
