import { isUnjamError, type UnjamError } from "../../core/errors.ts";
import { EXIT } from "./command.ts";
import { paintFor, printable } from "./screen.ts";
import { nearest } from "./spelling.ts";

/**
 * Shows why a command failed, on stderr, and answers its exit code: that of the error's code. An
 * error without one is a bug of ours or of the user's module, and comes with its stack.
 */
export function showError(error: unknown, isJson: boolean): number {
  if (!isUnjamError(error)) {
    const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const body = { error: { code: null, message: String(error) } };
    process.stderr.write(`${isJson ? JSON.stringify(body) : `unjam: ${shown}`}\n`);
    return EXIT.failed;
  }
  const lines = isJson ? [JSON.stringify({ error: error.toJSON() })] : linesOf(error);
  process.stderr.write(`${lines.join("\n")}\n`);
  return error.exitCode;
}

function linesOf(error: UnjamError): readonly string[] {
  const code = paintFor(process.stderr, "dim", `[${error.code}]`);
  const sign = paintFor(process.stderr, "red", "unjam:");
  const slip = slipOf(error);
  if (slip !== undefined) return [`${sign} ${printable(slip)} ${code}`];
  return [`${sign} ${printable(error.message)} ${code}`, `       ${helpOf(error)}`];
}

/** A flag that was used wrongly is best explained by its command's help. */
function helpOf(error: UnjamError): string {
  if (!isUnjamError(error, "UNJAM_INVALID_OPTION")) return error.help;
  const { where } = error.details;
  return where.startsWith("unjam ") ? `${where} --help says what it takes.` : error.help;
}

/** A word that was mistyped takes one line: what was probably meant, and where the rest is listed. */
function slipOf(error: UnjamError): string | undefined {
  if (isUnjamError(error, "UNJAM_UNKNOWN_COMMAND")) {
    const { command, known } = error.details;
    return `no command "${command}"; ${hint(nearest(command, known), "unjam --help")}`;
  }
  if (isUnjamError(error, "UNJAM_UNKNOWN_OPTION")) {
    const { option, where, known } = error.details;
    if (!where.startsWith("unjam")) return undefined;
    return `${where.replace(/^unjam /, "")} has no flag ${option}; ${hint(nearest(option, known), `${where} --help`)}`;
  }
  return undefined;
}

function hint(meant: string | undefined, help: string): string {
  return meant === undefined ? `see ${help}` : `did you mean ${meant}?`;
}
