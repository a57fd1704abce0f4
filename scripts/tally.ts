/**
 * Prints what vitest counted, from the reports that `npm test`, `npm run test:root`,
 * `npm run test:frameworks` and `npm run matrix` leave when CI is set. Todos are named, so that what
 * is open is always in the log. Ends with exit code 1 when a test failed, was skipped, or when
 * there were none.
 */
import { globSync, readFileSync } from "node:fs";

const COVERAGE = new URL("../coverage/", import.meta.url);
/** Each is there only when the run before it was green. */
const REPORTS = globSync("vitest*.json", { cwd: COVERAGE })
  .toSorted()
  .map((name) => new URL(name, COVERAGE));

interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

function readReport(file: URL): Report {
  const text = readFileSync(file, "utf8");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- vitest's JSON reporter wrote it; its version is pinned.
  return JSON.parse(text) as Report;
}

function added(a: Report, b: Report): Report {
  return {
    success: a.success && b.success,
    numPassedTests: a.numPassedTests + b.numPassedTests,
    numFailedTests: a.numFailedTests + b.numFailedTests,
    numFailedTestSuites: a.numFailedTestSuites + b.numFailedTestSuites,
    testResults: [...a.testResults, ...b.testResults],
  };
}

/** Why each test failed, in full: whoever reads this may have nothing but the end of the log. */
function printFailures(report: Report): void {
  for (const { assertionResults } of report.testResults) {
    for (const { fullName, failureMessages = [] } of assertionResults) {
      if (failureMessages.length > 0) console.log(`${fullName}\n${failureMessages.join("\n")}\n`);
    }
  }
}

/** Prints the names of all tests with this status, and says how many there are. */
function printNames(report: Report, status: string, title: string): number {
  const names = report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter((result) => result.status === status)
    .map(({ fullName }) => fullName);
  if (names.length > 0) console.log([`${title} (${names.length}):`, ...names].join("\n  "));
  return names.length;
}

function main(): number {
  const reports = REPORTS.map(readReport);
  if (reports.length === 0) {
    console.error("There is no report of a test run: vitest did not get as far as that.");
    return 1;
  }
  const report = reports.reduce(added);
  printNames(report, "todo", "to be written");
  const skippedCount =
    printNames(report, "skipped", "SKIPPED, which counts as a failure") +
    printNames(report, "pending", "NOT RUN, which counts as a failure") +
    printNames(report, "disabled", "DISABLED, which counts as a failure");
  printFailures(report);
  printNames(report, "failed", "FAILED");
  console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed`);
  const isGreen =
    report.success &&
    report.numPassedTests > 0 &&
    report.numFailedTests === 0 &&
    report.numFailedTestSuites === 0 &&
    skippedCount === 0;
  return isGreen ? 0 : 1;
}

process.exitCode = main();
