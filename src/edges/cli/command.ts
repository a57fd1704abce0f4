import type { ErrorCode } from "../../core/errors.ts";
import { OPEN_OPTIONS } from "../../core/option-tables.ts";
import type { OptionSpec } from "../../core/options.ts";
import type { Screen } from "./screen.ts";

/**
 * What a flag takes. `value` is how help writes it, `short` a letter that stands for it, `bounds`
 * the core's word on what fits, so that no bound is written down twice.
 */
export type Flag =
  | { readonly kind: "switch"; readonly about: string; readonly short?: string }
  | (ValueFlag & { readonly kind: "text" | "names" | "count" })
  /** With `bare`, the flag may also stand alone: `--wait` beside `--wait 30s`. */
  | (ValueFlag & { readonly kind: "duration"; readonly bare?: true });

interface ValueFlag {
  readonly value: string;
  readonly about: string;
  readonly bounds?: OptionSpec;
}

export type Flags = Readonly<Record<string, Flag>>;

/** A flag's value as the command sees it; `"bare"` is a duration flag that stood alone. */
export type FlagValue<F extends Flag> = F extends { readonly kind: "switch" }
  ? boolean
  : F extends { readonly kind: "names" }
    ? readonly string[] | undefined
    : F extends { readonly kind: "count" }
      ? number | undefined
      : F extends { readonly bare: true }
        ? number | "bare" | undefined
        : F extends { readonly kind: "duration" }
          ? number | undefined
          : string | undefined;

export type FlagValues<F extends Flags> = { readonly [K in keyof F]: FlagValue<F[K]> };

/** A word on the command line that is not a flag. Only the last may be "many" or "optional". */
export interface Argument {
  readonly name: string;
  readonly about: string;
  readonly count: "one" | "many" | "optional";
}

/** What a command gets when it runs: words in the order of its arguments, flags read and checked. */
export interface CommandContext<F extends Flags = Flags> {
  readonly words: readonly string[];
  readonly flags: FlagValues<F>;
  readonly screen: Screen;
  readonly env: NodeJS.ProcessEnv;
  /** Aborts on the first SIGINT or SIGTERM; a second one ends the process at once. */
  readonly signal: AbortSignal;
}

/**
 * A command is a value: the dispatcher, the help and the spelling hints all read it. Its module
 * must stay light, because `unjam --help` loads them all; what is heavy is imported by `run`.
 */
export interface Command<F extends Flags = Flags> {
  /** One or two words: "worker", "jobs show". */
  readonly name: string;
  readonly summary: string;
  readonly args: readonly Argument[];
  /** Without the flags that every command has: --json and --help. */
  readonly flags: F;
  readonly examples: readonly string[];
  /** The errors that its users are most likely to meet, for its help. */
  readonly errors: readonly ErrorCode[];
  /** Answers the exit code. What it throws is shown with its code, and ends with the code's exit code. */
  run(context: CommandContext<F>): Promise<number>;
}

/** Checks a command against its own flags, and forgets their types: the dispatcher takes any. */
export function defineCommand<F extends Flags>(command: Command<F>): Command {
  return command;
}

/** Exit codes that do not belong to an error; those are in the error table. */
export const EXIT = { ok: 0, failed: 1, interrupted: 130 } as const;

/** The flag that most commands share. */
export const STORE_FLAG: ValueFlag & { readonly kind: "text" } = {
  kind: "text",
  value: "<url>",
  about: "where the jobs are, such as sqlite:.unjam/jobs.db",
  bounds: OPEN_OPTIONS.store,
};

export const YES_FLAG = { kind: "switch", about: "do it without asking", short: "y" } as const;
