import { type CommandContext, type Command, EXIT } from "./command.ts";
import { findCommand } from "./command-list.ts";
import { packageVersion } from "./package-version.ts";
import { openScreen } from "./screen.ts";

/**
 * The command line: finds the command, reads its line, runs it, and answers the exit code. Help
 * and version take a short way, so that they cost little more than starting Node.
 *
 * @param line what stands behind `unjam`
 */
export async function main(line: readonly string[]): Promise<number> {
  survivePipes();
  const beforeWords = line.slice(0, line.includes("--") ? line.indexOf("--") : line.length);
  const isJson = beforeWords.includes("--json");
  try {
    const [first] = line;
    if (first === "help") return await main([...line.slice(1), "--help"]);
    if (first === undefined || first === "--help" || first === "-h") return await showOverview();
    if (first === "--version") return showVersion();
    return await runCommand(line, isJson);
  } catch (error) {
    const { showError } = await import("./error-screen.ts");
    return showError(error, isJson);
  }
}

/** `unjam jobs | head`: a reader that has enough is no error, and must not end a worker either. */
function survivePipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.removeListener("error", onPipeError);
    stream.on("error", onPipeError);
  }
}

function onPipeError(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") return;
  // What was to be written is lost, on a full disk for instance, and the caller has to know.
  process.exit(EXIT.failed);
}

async function showOverview(): Promise<number> {
  const { overview } = await import("./help.ts");
  process.stdout.write(`${await overview()}\n`);
  return EXIT.ok;
}

function showVersion(): number {
  process.stdout.write(`${packageVersion()}\n`);
  return EXIT.ok;
}

async function runCommand(line: readonly string[], isJson: boolean): Promise<number> {
  const found = findCommand(line);
  if (found === undefined) return refuseCommand(line);
  const command = await found.load();
  const rest = line.slice(found.wordCount);
  if (found.name === line[0]) await refuseSubcommand(found.name, rest[0]);
  const { readLine } = await import("./command-line.ts");
  const { words, flags } = readLine(command, rest);
  if (flags["help"] === true) {
    const { commandHelp } = await import("./help.ts");
    process.stdout.write(`${await commandHelp(command)}\n`);
    return EXIT.ok;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read just now by the same table of flags that types them.
  const values = flags as CommandContext["flags"];
  const context = { words, flags: values, screen: openScreen(isJson), env: process.env };
  return untilSignal(command, context);
}

/** @throws UNJAM_UNKNOWN_COMMAND, UNJAM_UNKNOWN_OPTION */
async function refuseCommand([first = ""]: readonly string[]): Promise<never> {
  const { UnjamError } = await import("../../core/errors.ts");
  const { COMMANDS } = await import("./command-list.ts");
  if (first.startsWith("-")) {
    const known = ["--help", "--version"];
    throw new UnjamError("UNJAM_UNKNOWN_OPTION", { option: first, where: "unjam", known });
  }
  const known = Object.keys(COMMANDS).filter((name) => !name.includes(" "));
  throw new UnjamError("UNJAM_UNKNOWN_COMMAND", { command: first, known });
}

/** `unjam jobs shwo 7`: a second word is a slip for a subcommand where the command takes no words. */
async function refuseSubcommand(name: string, word: string | undefined): Promise<void> {
  const { COMMANDS } = await import("./command-list.ts");
  const known = Object.keys(COMMANDS).filter((other) => other.startsWith(`${name} `));
  if (known.length === 0 || word === undefined || word.startsWith("-")) return;
  const { UnjamError } = await import("../../core/errors.ts");
  throw new UnjamError("UNJAM_UNKNOWN_COMMAND", { command: `${name} ${word}`, known });
}

/**
 * Runs a command under SIGINT and SIGTERM: the first asks it to end, the second does not wait. A
 * worker drains and ends well; any other command was interrupted.
 */
async function untilSignal(
  command: Command,
  context: Omit<CommandContext, "signal">,
): Promise<number> {
  const ending = new AbortController();
  const onSignal = (): void => {
    if (ending.signal.aborted) process.exit(EXIT.interrupted);
    ending.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await command.run({ ...context, signal: ending.signal });
  } catch (error) {
    if (ending.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}
