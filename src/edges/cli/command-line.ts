import { parseArgs } from "node:util";
import { UnjamError } from "../../core/errors.ts";
import { invalid, readOptions } from "../../core/options.ts";
import type { Command, Flag, Flags } from "./command.ts";
import { leftOut, readCount, readDuration, readNames } from "./flag-value.ts";

/** The flags of every command. */
export const COMMON_FLAGS: Flags = {
  json: { kind: "switch", about: "data on stdout and errors on stderr as JSON" },
  help: { kind: "switch", about: "show this and end", short: "h" },
};

/** A line of words, read and checked against a command. */
export interface ReadLine {
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
}

/**
 * Reads what follows a command's name. Node's own parser cuts the line into tokens; what they mean
 * is decided here, because its messages know neither our codes nor our units.
 * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION
 */
export function readLine(command: Command, line: readonly string[]): ReadLine {
  const where = `unjam ${command.name}`;
  const flags: Flags = { ...command.flags, ...COMMON_FLAGS };
  const { words, given } = sort(flags, line, where);
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const texts = given.get(name);
    values[name] = texts === undefined ? absent(flag) : readFlag(name, flag, { texts, where });
  }
  if (values["help"] !== true) checkWords(command, words, where);
  return { words, flags: values };
}

/** What a token of an option came to: its text, or `null` when it stood alone. */
type Texts = readonly (string | null)[];

function sort(
  flags: Flags,
  line: readonly string[],
  where: string,
): { readonly words: readonly string[]; readonly given: ReadonlyMap<string, Texts> } {
  const given = new Map<string, Texts>();
  const words: string[] = [];
  const { tokens } = parseArgs({
    args: [...line],
    options: parserOptions(flags),
    strict: false,
    tokens: true,
  });
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (token?.kind === "positional") words.push(token.value);
    if (token?.kind !== "option") continue;
    const flag = Object.hasOwn(flags, token.name) ? flags[token.name] : undefined;
    if (flag === undefined) {
      const known = Object.keys(flags).map((name) => `--${name}`);
      throw new UnjamError("UNJAM_UNKNOWN_OPTION", { option: token.rawName, where, known });
    }
    let text = token.value ?? null;
    const next = tokens[index + 1];
    if (
      text === null &&
      mayStandAlone(flag) &&
      next?.kind === "positional" &&
      /^\d/.test(next.value)
    ) {
      text = next.value;
      index++;
    }
    given.set(token.name, [...(given.get(token.name) ?? []), text]);
  }
  return { words, given };
}

/** A flag that may stand alone is a switch to the parser, which would take any next word for its value. */
function parserOptions(
  flags: Flags,
): Record<string, { type: "boolean" | "string"; short?: string }> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      name,
      {
        type: flag.kind === "switch" || mayStandAlone(flag) ? "boolean" : "string",
        ...("short" in flag && flag.short !== undefined ? { short: flag.short } : {}),
      },
    ]),
  );
}

function mayStandAlone(flag: Flag): boolean {
  return flag.kind === "duration" && flag.bare === true;
}

function absent(flag: Flag): false | undefined {
  return flag.kind === "switch" ? false : undefined;
}

function readFlag(
  name: string,
  flag: Flag,
  { texts, where }: { readonly texts: Texts; readonly where: string },
): unknown {
  const [text = null, ...others] = texts;
  const option = `--${name}`;
  if (flag.kind === "switch") {
    if (text !== null) throw invalid(option, where, "given without a value", text);
    return true;
  }
  if (flag.kind === "names") {
    return texts.flatMap((each) => readNames(present(each, flag, { option, where })));
  }
  if (others.length > 0) throw invalid(option, where, "given once", `${texts.length} times`);
  if (text === null && mayStandAlone(flag)) return "bare";
  return within(flag, { value: readText(flag, text, { option, where }), option, where });
}

function readText(
  flag: Flag,
  text: string | null,
  { option, where }: { readonly option: string; readonly where: string },
): unknown {
  const value = present(text, flag, { option, where });
  if (flag.kind === "duration") return readDuration(value, option, where);
  return flag.kind === "count" ? readCount(value, option, where) : value;
}

/** The core checks what it knows the bounds of, under the name that the flag has here. */
function within(
  flag: Flag,
  {
    value,
    option,
    where,
  }: { readonly value: unknown; readonly option: string; readonly where: string },
): unknown {
  if (flag.kind === "switch" || flag.bounds === undefined) return value;
  return readOptions({ [option]: flag.bounds }, { [option]: value }, where)[option];
}

/** The next flag is not a value: `--store --json` forgot one. */
function present(
  text: string | null,
  flag: Flag,
  { option, where }: { readonly option: string; readonly where: string },
): string {
  if (text !== null && text !== "" && !text.startsWith("--")) return text;
  throw leftOut(option, where, "value" in flag ? `followed by ${flag.value}` : "given");
}

function checkWords(command: Command, words: readonly string[], where: string): void {
  const { args } = command;
  const missing = args[words.length];
  if (missing !== undefined && missing.count !== "optional")
    throw leftOut(`<${missing.name}>`, where, missing.about);
  const takesMany = args.at(-1)?.count === "many";
  const extra = words[args.length];
  if (extra !== undefined && !takesMany) {
    throw invalid("the line", where, `over after ${lastOf(command)}`, extra);
  }
}

function lastOf({ name, args }: Command): string {
  const last = args.at(-1);
  return last === undefined ? `"${name}" and its flags` : `<${last.name}>`;
}
