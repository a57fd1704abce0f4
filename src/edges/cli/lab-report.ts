import type { ProgramName, ProgramRun } from "../lab/program-run.ts";
import type { Scenario } from "../lab/scenario.ts";
import { showDuration } from "./flag-value.ts";
import { printable, type Screen } from "./screen.ts";
import { drawTable } from "./table.ts";

/** What every terminal has; a live line is cut to it, a text below the table is wrapped. */
const WIDTH = 80;

/** A line of the live view: who, when, what. */
export function drawLine(line: {
  readonly name: ProgramName;
  readonly text: string;
  readonly atMs: number;
}): string {
  const at = `t+${(line.atMs / 1_000).toFixed(1)}s`;
  return printable(`${line.name}  ${at.padStart(7)}  ${line.text}`, WIDTH);
}

/** What was measured, what each program had to say in the end, and why. */
export function drawReport(
  screen: Pick<Screen, "paint">,
  { unit, lesson }: Scenario,
  runs: readonly ProgramRun[],
): readonly string[] {
  return [
    ...drawTable(
      screen,
      [
        { heading: "PROGRAM", cell: ({ name }) => name },
        { heading: "ENDED", cell: endOf },
        { heading: "AFTER", cell: ({ ranMs }) => showDuration(ranMs), align: "right" },
        { heading: unit.toUpperCase(), cell: ({ done, total }) => `${done} of ${total}` },
        { heading: "FAILED", cell: ({ failed }) => failed, align: "right" },
        { heading: "WAITS FOR", cell: ({ waitsFor }) => waitsFor ?? "nothing" },
        { heading: "SINCE", cell: sinceOf, align: "right" },
      ],
      runs,
    ),
    "",
    ...runs.flatMap((run) => drawEnding(screen, run)),
    "",
    ...wrap(lesson, ""),
  ];
}

function endOf({ ending }: ProgramRun): string {
  switch (ending.kind) {
    case "hung":
      return "hung, killed";
    case "late":
      return "not in time";
    case "error":
      return ending.code;
    default:
      return ending.kind;
  }
}

function sinceOf({ waitsFor, waitedMs }: ProgramRun): string {
  return waitsFor === null ? "-" : showDuration(waitedMs);
}

function drawEnding(screen: Pick<Screen, "paint">, run: ProgramRun): readonly string[] {
  const sign = run.isAsExpected ? screen.paint("green", "✓") : screen.paint("red", "✗");
  const [first = "", ...others] = wrap(`${run.name}: ${wordsOf(run)}`, "  ");
  return [`${sign} ${first.trimStart()}`, ...others];
}

function wordsOf({ ending, waitsFor, isAsExpected }: ProgramRun): string {
  const surprise = isAsExpected ? "" : "not as expected: ";
  switch (ending.kind) {
    case "hung":
      return `${surprise}no result, no error; ${waitsFor ?? "it"} would never have ended`;
    case "late":
      return `${surprise}it did not get to its wait in time; try a longer --time`;
    case "crashed":
      return `${surprise}${ending.text}`;
    case "error":
      return `${surprise}${ending.message}`;
    case "result":
      return `${surprise}${ending.text}`;
  }
}

/** Words in lines of the screen's width; one that is longer than a line stays whole, to be copied. */
function wrap(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of printable(text).split(" ")) {
    if (line.length > indent.length && line.length + word.length >= WIDTH) {
      lines.push(line);
      line = indent;
    }
    line += line.length > indent.length ? ` ${word}` : word;
  }
  return [...lines, line];
}
