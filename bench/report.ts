/** What a run says: tables or JSON lines, then every gate and whether it held. */
import { metricSpread, ratioToRole } from "./ratio.ts";
import type { Verdict } from "./gate.ts";
import type { CaseResult, Measured } from "./rounds.ts";
import { spread } from "./statistics.ts";
import { aligned, caseTable } from "./table.ts";

/** What every line needs to be understood elsewhere. */
export interface Surroundings {
  readonly suite: string;
  readonly isTiny: boolean;
  readonly node: string;
  readonly cores: number;
  readonly cpu: string;
  readonly fileSystem: string;
  readonly fsyncP50Us: number;
}

export interface JudgedGate {
  readonly case: string;
  readonly about: string;
  readonly verdict: Verdict;
}

export function judge(results: readonly CaseResult[]): readonly JudgedGate[] {
  return results.flatMap((result) =>
    result.case.gates.map((gate) => ({
      case: result.case.name,
      about: gate.about,
      verdict: gate.judge(result),
    })),
  );
}

export function headLine({
  suite,
  node,
  cores,
  cpu,
  fileSystem,
  fsyncP50Us,
  isTiny,
}: Surroundings): string {
  const warning = isTiny ? "\nTINY SIZES: these figures mean nothing" : "";
  return `${suite} · node ${node} · ${cores} × ${cpu} · ${fileSystem}, fsync p50 ${fsyncP50Us.toFixed(0)} µs${warning}\n`;
}

export function humanReport(results: readonly CaseResult[], gates: readonly JudgedGate[]): string {
  const rows = gates.map(({ case: name, about, verdict }) => {
    if (verdict.kind !== "not measured")
      return [`${verdict.kind.padEnd(6)}  ${name}`, verdict.value.toPrecision(4), about];
    return [`–       ${name}`, "–", `${about} (not measured: needs ${verdict.needs.join(", ")})`];
  });
  return `${results.map(caseTable).join("")}\ngates\n${aligned(rows)}\n`;
}

export function jsonReport(
  surroundings: Surroundings,
  results: readonly CaseResult[],
  gates: readonly JudgedGate[],
): string {
  const { suite } = surroundings;
  const lines = [
    ...results.flatMap((result) =>
      result.measured.map((measured) => measureLine(surroundings, result, measured)),
    ),
    ...gates.map(({ case: name, about, verdict }) => ({
      suite,
      case: name,
      gate: about,
      ...verdict,
    })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

function measureLine(
  { suite, isTiny, ...machine }: Surroundings,
  result: CaseResult,
  measured: Measured,
): Readonly<Record<string, unknown>> {
  const { measure } = result.case;
  const { name, role, durability } = measured.implementation;
  const compared = metricSpread(measured, measure);
  return {
    suite,
    case: result.case.name,
    impl: name,
    role,
    opsPerS: metricSpread(measured, "opsPerS")?.median ?? null,
    measure,
    better: result.case.better,
    median: compared?.median ?? null,
    min: compared?.min ?? null,
    max: compared?.max ?? null,
    rounds: measured.rounds.length,
    ratioToPeer: ratioToRole(result, measured, "peer") ?? null,
    ratioToLimit: ratioToRole(result, measured, "limit") ?? null,
    durability,
    metrics: allMetrics(measured),
    ...(measured.failure !== undefined && { failure: measured.failure }),
    ...(isTiny && { tiny: true }),
    ...machine,
  };
}

function allMetrics({ rounds }: Measured): Readonly<Record<string, unknown>> {
  const names = new Set(rounds.flatMap((round) => Object.keys(round)));
  return Object.fromEntries(
    [...names].map((name) => [name, spread(rounds.flatMap((round) => round[name] ?? []))]),
  );
}
