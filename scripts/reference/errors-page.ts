import { ERRORS } from "../../src/core/error-table.ts";
import { UnjamError } from "../../src/core/errors.ts";
import { ERROR_EXAMPLES } from "./error-examples.ts";
import { markdownTable, referencePage } from "./page.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import type { ReferencePage } from "./page.ts";

export function errorsPage(): ReferencePage {
  const sections = Object.keys(ERRORS).flatMap((code) => (isCode(code) ? [section(code)] : []));
  return referencePage("errors", [
    "# Errors",
    "Every error that a caller can receive is an `UnjamError`. Tell errors apart by `code`, never by text: codes are never renamed or used again, messages may get better. `error.help` is the advice below, `error.details` has the values.",
    "A command of the CLI ends with the exit code of its error:",
    markdownTable(
      ["exit code", "meaning"],
      [
        ["1", "failed"],
        ["2", "used wrongly"],
        ["3", "stuck"],
        ["4", "the store cannot be reached"],
        ["124", "timed out"],
      ],
    ),
    ...sections,
  ]);
}

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

function section(code: ErrorCode): string {
  const error = new UnjamError(code, ERROR_EXAMPLES[code]);
  return [
    `## ${code}`,
    ["```text", error.message, "```"].join("\n"),
    error.help,
    `HTTP ${error.httpStatus}, exit code ${error.exitCode}.`,
  ].join("\n\n");
}
