import { createInterface } from "node:readline/promises";
import { invalid } from "../../core/options.ts";
import type { CommandContext } from "./command.ts";
import { readSetting, SETTINGS } from "./setting.ts";

export interface Question {
  /** What will be done, with its count: `cancel 3 jobs`. */
  readonly deed: string;
  /** The command, for the refusal. */
  readonly where: string;
  readonly isYes: boolean;
}

/**
 * Whether to go on. Asks on the terminal, naming the environment where one is set; without a
 * terminal nobody could answer, so only --yes counts.
 * @throws UNJAM_INVALID_OPTION
 */
export async function confirm(
  { deed, where, isYes }: Question,
  { screen, env, signal }: Pick<CommandContext, "screen" | "env" | "signal">,
): Promise<boolean> {
  if (isYes) return true;
  if (screen.isJson || !process.stdin.isTTY) {
    throw invalid("--yes", where, `given to ${deed}, because nobody can be asked here`, null);
  }
  const { value, source } = readSetting(SETTINGS.env, undefined, env);
  const place = source === "default" ? "" : ` in ${value}`;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${deed}${place}? [y/N] `, { signal });
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
