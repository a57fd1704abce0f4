/**
 * The gates of design/performance.md. A gate judges the rounds of one case, by their median or by
 * the worst, and never stops a run; `--gate` turns a missed one into the exit code.
 */
import { type Comparison, differenceTo, metricSpread, named, ratioTo } from "./ratio.ts";
import type { CaseResult, Measured } from "./rounds.ts";

export interface Gate {
  readonly about: string;
  readonly judge: (result: CaseResult) => Verdict;
}

export type Verdict =
  | { readonly kind: "held" | "missed"; readonly value: number }
  | { readonly kind: "not measured"; readonly needs: readonly string[] };

export type Limit = { readonly atLeast: number } | { readonly atMost: number };

/** Whose metric a gate is about. */
export interface Subject {
  readonly of: string;
  readonly metric: string;
}

/** A metric against a fixed bound. */
export function bound({ of, metric }: Subject, limit: Limit): Gate {
  return {
    about: `${of}: ${metric} ${limitWords(limit)}`,
    judge: (result) => verdict(metricSpread(whole(result, [of])[0], metric)?.median, limit, [of]),
  };
}

/** The same in each round: what must never happen would be hidden by a median. */
export function always({ of, metric }: Subject, limit: Limit): Gate {
  return {
    about: `${of}: ${metric} ${limitWords(limit)} in every round`,
    judge: (result) => {
      const measured = metricSpread(whole(result, [of])[0], metric);
      const worst = measured && ("atLeast" in limit ? measured.min : measured.max);
      return verdict(worst, limit, [of]);
    },
  };
}

/** A metric divided by the best of others. */
export function ratio({ of, metric }: Subject, limit: Limit, to: readonly string[]): Gate {
  return {
    about: `${of}: ${metric} ${limitWords(limit)} × ${bestOf(to)}`,
    judge: (result) => {
      const ratios = ratioTo(whole(result, [of])[0], whole(result, to), comparison(metric, limit));
      return verdict(ratios?.median, limit, [of, ...to]);
    },
  };
}

/** A metric less the best of others. */
export function difference({ of, metric }: Subject, limit: Limit, to: readonly string[]): Gate {
  return {
    about: `${of}: ${metric} less that of ${bestOf(to)} ${limitWords(limit)}`,
    judge: (result) => {
      const found = whole(result, to);
      const differences = differenceTo(whole(result, [of])[0], found, comparison(metric, limit));
      return verdict(differences?.median, limit, [of, ...to]);
    },
  };
}

/** All of these, or nobody: who failed in a later round was not measured, nor was anybody against him. */
function whole(result: CaseResult, names: readonly string[]): readonly Measured[] {
  const found = named(result, names).filter(({ failure }) => failure === undefined);
  return found.length === names.length ? found : [];
}

/** A floor compares with the highest of the others, a ceiling with the lowest. */
function comparison(metric: string, limit: Limit): Comparison {
  return { metric, better: "atLeast" in limit ? "higher" : "lower" };
}

function limitWords(limit: Limit): string {
  return "atLeast" in limit ? `≥ ${limit.atLeast}` : `≤ ${limit.atMost}`;
}

function bestOf(names: readonly string[]): string {
  return names.length > 1 ? `the best of (${names.join(", ")})` : names.join("");
}

function verdict(value: number | undefined, limit: Limit, needs: readonly string[]): Verdict {
  if (value === undefined) return { kind: "not measured", needs };
  const holds = "atLeast" in limit ? value >= limit.atLeast : value <= limit.atMost;
  return { kind: holds ? "held" : "missed", value };
}
