import type { UnjamError } from "../../../core/errors.ts";

/** One thing that doctor looked at. `bad` fails the command, `warning` does not. */
export interface Check {
  readonly name: string;
  readonly verdict: "ok" | "warning" | "bad";
  /** What was found, with its numbers. */
  readonly found: string;
  /** What to do about it; never missing where the verdict is not ok. */
  readonly fix?: string;
  /** The code and details, where an error of ours was found. */
  readonly error?: ReturnType<UnjamError["toJSON"]>;
}

export function ok(name: string, found: string): Check {
  return { name, verdict: "ok", found };
}

export function warning(name: string, found: string, fix: string): Check {
  return { name, verdict: "warning", found, fix };
}

export function bad(name: string, found: string, fix: string): Check {
  return { name, verdict: "bad", found, fix };
}

export function failed(name: string, error: UnjamError): Check {
  const { message, help, code } = error;
  return { name, verdict: "bad", found: `${message} [${code}]`, fix: help, error: error.toJSON() };
}
