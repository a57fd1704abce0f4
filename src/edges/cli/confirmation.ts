import { createInterface } from "node:readline/promises";
import type { CommandContext } from "./command.ts";
import { leftOut } from "./flag-value.ts";
import { readSetting, SETTINGS } from "./setting.ts";

export interface Question {
  /** What will be done, with its count: `cancel 3 jobs`. */
  readonly deed: string;
  /** The command, for the refusal. */
  readonly where: string;
  readonly isYes: boolean;
}

/** Where the question is put; the process itself, except in tests. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
}

/**
 * Whether to go on. Asks on the terminal, naming the environment where one is set; without a
 * terminal nobody could answer, so only --yes counts.
 * @throws UNJAM_INVALID_OPTION
 */
export async function confirm(
  { deed, where, isYes }: Question,
  { screen, env, signal }: Pick<CommandContext, "screen" | "env" | "signal">,
  { stdin, stderr }: Terminal = process,
): Promise<boolean> {
  if (isYes) return true;
  if (screen.isJson || stdin.isTTY !== true) {
    throw leftOut("--yes", where, `given to ${deed}, because nobody can be asked here`);
  }
  const { value, source } = readSetting(SETTINGS.env, undefined, env);
  const place = source === "default" ? "" : ` in ${value}`;
  const terminal = createInterface({ input: stdin, output: stderr });
  // A terminal in raw mode hands Ctrl-C to readline instead of the process.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const closed = new Promise<string>((resolve) => {
    terminal.once("close", () => resolve(""));
  });
  try {
    const asked = terminal.question(`${deed}${place}? [y/N] `, { signal });
    const answer = await Promise.race([asked, closed]);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
