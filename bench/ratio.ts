/** Figures of one implementation against others', computed within each round. */
import type { CaseResult, Measured } from "./rounds.ts";
import { spread, type Spread } from "./statistics.ts";

export interface Comparison {
  readonly metric: string;
  /** Which of several others is the best one, round by round. */
  readonly better: "higher" | "lower";
}

/** One metric over all rounds, or `undefined` when no round gave it. */
export function metricSpread(measured: Measured | undefined, metric: string): Spread | undefined {
  return spread((measured?.rounds ?? []).flatMap((round) => round[metric] ?? []));
}

/**
 * One's metric over the best other's, round by round: what the machine did to a round cancels out.
 * More than 1 is faster where higher is better, and slower where lower is better.
 */
export function ratioTo(
  one: Measured | undefined,
  others: readonly Measured[],
  comparison: Comparison,
): Spread | undefined {
  return spread(
    pairs(one, others, comparison).flatMap(([value, best]) => (best === 0 ? [] : value / best)),
  );
}

/** One's metric less the best other's, round by round. */
export function differenceTo(
  one: Measured | undefined,
  others: readonly Measured[],
  comparison: Comparison,
): Spread | undefined {
  return spread(pairs(one, others, comparison).map(([value, best]) => value - best));
}

function pairs(
  one: Measured | undefined,
  others: readonly Measured[],
  { metric, better }: Comparison,
): readonly (readonly [value: number, best: number])[] {
  const pick = better === "higher" ? Math.max : Math.min;
  return (one?.rounds ?? []).flatMap((round, index) => {
    const value = round[metric];
    const rivals = others.flatMap((other) => other.rounds[index]?.[metric] ?? []);
    return value === undefined || rivals.length === 0 ? [] : [[value, pick(...rivals)] as const];
  });
}

/** The case's own comparison with the best peer or the raw limit. Those themselves have none. */
export function ratioToRole(
  result: CaseResult,
  measured: Measured,
  role: "peer" | "limit",
): number | undefined {
  if (measured.implementation.role === role) return undefined;
  const { measure: metric, better } = result.case;
  const rivals = result.measured.filter(({ implementation }) => implementation.role === role);
  return ratioTo(measured, rivals, { metric, better })?.median;
}

export function named(result: CaseResult, names: readonly string[]): readonly Measured[] {
  return result.measured.filter(({ implementation }) => names.includes(implementation.name));
}
