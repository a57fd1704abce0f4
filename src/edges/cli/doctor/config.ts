import { isUnjamError } from "../../../core/errors.ts";
import { readSetting, SETTINGS } from "../setting.ts";
import { type Check, failed } from "./check.ts";

/** One setting as doctor shows it. */
export interface ConfigLine {
  readonly setting: string;
  readonly value: string;
  readonly source: "flag" | "environment" | "default";
  /** The flag or variable that set it, or that would. */
  readonly name: string;
}

/** Every setting and where its value came from; a variable that makes no sense is a failed check. */
export function readConfig(
  flags: { readonly store: string | undefined; readonly threads: number | undefined },
  env: NodeJS.ProcessEnv,
): { readonly lines: readonly ConfigLine[]; readonly checks: readonly Check[] } {
  const lines: ConfigLine[] = [];
  const checks: Check[] = [];
  const add = <T extends string | number | readonly string[] | null>(
    setting: string,
    read: () => ReturnType<typeof readSetting<T>>,
  ): void => {
    try {
      const { value, source, name } = read();
      lines.push({ setting, value: shown(value), source, name });
    } catch (error) {
      if (!isUnjamError(error)) throw error;
      checks.push(failed("config", error));
    }
  };
  add("store", () => readSetting(SETTINGS.store, flags.store, env));
  add("queues", () => readSetting(SETTINGS.queues, undefined, env));
  add("threads", () => readSetting(SETTINGS.threads, flags.threads, env));
  add("log level", () => readSetting(SETTINGS.logLevel, undefined, env));
  add("environment", () => readSetting(SETTINGS.env, undefined, env));
  return { lines, checks };
}

function shown(value: string | number | readonly string[] | null): string {
  if (value === null) return "every queue of the tasks";
  return typeof value === "object" ? value.join(",") : String(value);
}
