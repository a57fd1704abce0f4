import { OPEN_OPTIONS, WORK_OPTIONS } from "../../core/option-tables.ts";
import { invalid } from "../../core/options.ts";
import type { OptionSpec } from "../../core/options.ts";
import { readCount, readNames } from "./flag-value.ts";

const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogThreshold = (typeof LOG_LEVELS)[number];

/** A value and where it came from. Flags win over the environment, the environment over defaults. */
export interface Setting<T> {
  readonly value: T;
  readonly source: "flag" | "environment" | "default";
  /** The flag or the variable that set it, for messages; for a default, the variable that would. */
  readonly name: string;
}

interface SettingSpec<T> {
  readonly flag: string | null;
  /** Its environment variable. */
  readonly variable: string;
  readonly fallback: T;
  readonly read: (text: string, name: string) => T;
}

const ENVIRONMENT = "the environment";

function variable(name: string): string {
  return `UNJAM_${name}`;
}

function fallbackOf(spec: OptionSpec): unknown {
  return "fallback" in spec ? spec.fallback : undefined;
}

/** Everything that the environment can set. */
export const SETTINGS: {
  readonly store: SettingSpec<string>;
  readonly queues: SettingSpec<readonly string[] | null>;
  readonly threads: SettingSpec<number>;
  readonly logLevel: SettingSpec<LogThreshold>;
  readonly env: SettingSpec<string>;
} = {
  store: {
    flag: "--store",
    variable: variable("STORE"),
    fallback: String(fallbackOf(OPEN_OPTIONS.store)),
    read: (text) => text,
  },
  /** `null`: every queue of the worker's tasks. */
  queues: {
    flag: "--queues",
    variable: variable("QUEUES"),
    fallback: null,
    read: (text) => readNames(text),
  },
  threads: {
    flag: "--threads",
    variable: variable("THREADS"),
    fallback: Number(fallbackOf(WORK_OPTIONS.threads)),
    read: (text, name) => readCount(text, name, ENVIRONMENT),
  },
  logLevel: {
    flag: "--log-level",
    variable: variable("LOG_LEVEL"),
    fallback: "info",
    read: (text, name) => readLogLevel(text, name, ENVIRONMENT),
  },
  /** Named in questions and by doctor, so that nobody cancels in production by mistake. */
  env: {
    flag: null,
    variable: variable("ENV"),
    fallback: "development",
    read: (text) => text,
  },
};

/**
 * Reads one setting. An empty variable counts as absent.
 * @param given what the flag said, already read
 * @throws UNJAM_INVALID_OPTION when the variable makes no sense
 */
export function readSetting<T>(
  spec: SettingSpec<T>,
  given: T | undefined,
  env: NodeJS.ProcessEnv,
): Setting<T> {
  if (given !== undefined && spec.flag !== null) {
    return { value: given, source: "flag", name: spec.flag };
  }
  const text = env[spec.variable];
  if (text !== undefined && text !== "") {
    const value = spec.read(text, spec.variable);
    return { value, source: "environment", name: spec.variable };
  }
  return { value: spec.fallback, source: "default", name: spec.variable };
}

/** @throws UNJAM_INVALID_OPTION */
export function readLogLevel(text: string, option: string, where: string): LogThreshold {
  const level = LOG_LEVELS.find((name) => name === text);
  if (level !== undefined) return level;
  throw invalid(option, where, `one of ${LOG_LEVELS.join(", ")}`, text);
}

/** Whether a line of this level is written at this threshold. */
export function isLoud(level: LogThreshold, threshold: LogThreshold): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(threshold);
}
