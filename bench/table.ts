/** A suite's figures for people: one table per case, each implementation's durability on its line. */
import { metricSpread, ratioToRole } from "./ratio.ts";
import type { CaseResult, Measured } from "./rounds.ts";
import type { Column } from "./suite.ts";

export function caseTable(result: CaseResult): string {
  const { name, about, columns } = result.case;
  const head = ["", ...columns.map(({ title }) => title), "× peer", "× limit", "durability"];
  const rows = result.measured.map((measured) => [
    measured.implementation.name,
    ...columns.map((column) => cell(measured, column)),
    ratioCell(ratioToRole(result, measured, "peer")),
    ratioCell(ratioToRole(result, measured, "limit")),
    measured.failure === undefined ? measured.implementation.durability : "FAILED, see below",
  ]);
  const failures = result.measured.flatMap(({ implementation, failure }) =>
    failure === undefined
      ? []
      : `\n  ${implementation.name} failed: ${failure.replaceAll("\n", "\n    ")}`,
  );
  return `\n${name}: ${about}\n${aligned([head, ...rows])}${failures.join("")}\n`;
}

/** Median, and the range when there was more than one round. */
function cell(measured: Measured, { metric, digits }: Column): string {
  const found = metricSpread(measured, metric);
  if (found === undefined) return "–";
  const number = (value: number): string => formatted(value, digits);
  if (measured.rounds.length === 1) return number(found.median);
  return `${number(found.median)} (${number(found.min)}–${number(found.max)})`;
}

function ratioCell(ratio: number | undefined): string {
  return ratio === undefined ? "–" : formatted(ratio, 2);
}

function formatted(value: number, digits: number): string {
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** The first and the last column are words and stand left, the others are figures and stand right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const lastColumn = (rows[0]?.length ?? 1) - 1;
  const widths = Array.from({ length: lastColumn + 1 }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((text, column) => {
          const width = widths[column] ?? 0;
          return column === 0 || column === lastColumn ? text.padEnd(width) : text.padStart(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `  ${line}`)
    .join("\n");
}
