/** The example programs as their readers run them: `node examples/<name>/<program>.ts`. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { outsideEnvironment, ROOT } from "../../scripts/packed-project.ts";

/** A program that has not ended by then is ended, and its test fails. */
const PROGRAM_MS_MAX = 60_000;

export interface ExampleEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, in the root of the project. */
export function runExample(path: string): Promise<ExampleEnd> {
  const program = fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program], {
    ...{ cwd: ROOT, env: { ...outsideEnvironment(), NO_COLOR: "1" } },
    ...{ timeout: PROGRAM_MS_MAX, killSignal: "SIGKILL" },
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => void (output.stderr += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...output }));
  });
}
