import { UnjamError } from "../../core/errors.ts";
import { invalid } from "../../core/options.ts";

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `500ms`, `30s`, `5m`, `2h`, or plain milliseconds. @throws UNJAM_INVALID_OPTION */
export function readDuration(text: string, option: string, where: string): number {
  const groups = /^(?<amount>\d+(?:\.\d+)?)(?<unit>ms|s|m|h)?$/.exec(text)?.groups;
  if (groups === undefined) {
    throw invalid(
      option,
      where,
      "a duration such as 500ms, 30s, 5m, 2h or plain milliseconds",
      text,
    );
  }
  const unit = groups["unit"] ?? "ms";
  return Number(groups["amount"]) * (isUnit(unit) ? UNIT_MS[unit] : 1);
}

function isUnit(text: string): text is keyof typeof UNIT_MS {
  return Object.hasOwn(UNIT_MS, text);
}

/** @throws UNJAM_INVALID_OPTION */
export function readCount(text: string, option: string, where: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw invalid(option, where, "a whole number", text);
}

/** What is needed is not there. */
export function leftOut(
  option: string,
  where: string,
  expected: string,
): UnjamError<"UNJAM_INVALID_OPTION"> {
  return new UnjamError("UNJAM_INVALID_OPTION", { option, where, expected, got: "left out" });
}

/** `a,b` as two names; what is a good name is the core's to say. */
export function readNames(text: string): readonly string[] {
  return text.split(",").map((name) => name.trim());
}

const STEPS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** A duration for people, in its two largest units: `5m 12s`, `2d 3h`, `340ms`. */
export function showDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  const parts: string[] = [];
  let left = Math.round(ms / 1_000) * 1_000;
  for (const [unit, unitMs] of STEPS) {
    const amount = Math.floor(left / unitMs);
    left -= amount * unitMs;
    if (amount > 0) parts.push(`${amount}${unit}`);
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join(" ");
}
