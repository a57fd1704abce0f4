import { printable, type Screen } from "./screen.ts";

/** How wide one cell may get: an error or a note must not push the next column off the screen. */
const CELL_CHARS_MAX = 60;

/** A column: its heading, what stands in it, and on which side. */
export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string | number;
  readonly align?: "right";
}

/** Rows as aligned lines under dim headings. Cells are text, so nothing in them can move the cursor. */
export function drawTable<Row>(
  screen: Pick<Screen, "paint">,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): string[] {
  const cells = rows.map((row) =>
    columns.map(({ cell }) => printable(String(cell(row)), CELL_CHARS_MAX)),
  );
  const widths = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...cells.map((line) => line[index]?.length ?? 0)),
  );
  const draw = (line: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const width = widths[index] ?? 0;
        const text = line[index] ?? "";
        return align === "right" ? text.padStart(width) : text.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return [screen.paint("dim", draw(columns.map(({ heading }) => heading))), ...cells.map(draw)];
}
