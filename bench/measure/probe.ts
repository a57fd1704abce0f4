/** The probe's end of the wire: settings come as `name=value` arguments, metrics go back by IPC. */
import type { Metrics } from "../metrics.ts";

const given = new Map(
  process.argv.slice(2).map((argument) => {
    const end = argument.indexOf("=");
    return [argument.slice(0, end), argument.slice(end + 1)] as const;
  }),
);

export function setting(name: string): string {
  const value = given.get(name);
  if (value === undefined) throw new Error(`the probe needs the argument ${name}=…`);
  return value;
}

export function countSetting(name: string): number {
  const value = Number(setting(name));
  if (!Number.isFinite(value)) throw new Error(`the argument ${name} must be a number`);
  return value;
}

/**
 * Hands the figures over and ends the process, whatever still polls in it: a peer without a clean
 * stop must not hold up the round. Started by hand, a probe prints them instead.
 */
export function report(metrics: Metrics): void {
  if (process.send === undefined) {
    process.stdout.write(`${JSON.stringify(metrics, null, 2)}\n`, () => process.exit(0));
    return;
  }
  process.send(metrics, () => process.exit(0));
}

/** A probe that measured something else than it says must fail, not report. */
export function verify(fact: boolean, words: string): void {
  if (!fact) throw new Error(`the measure is void: ${words}`);
}
