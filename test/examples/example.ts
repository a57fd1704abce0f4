/** The example programs as their readers run them: `node examples/<name>/<program>.ts`. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
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
  return new RunningExample(path).ended;
}

/** A server among the examples, on a free port, from its start to its end. */
export class RunningExample implements AsyncDisposable {
  readonly ended: Promise<ExampleEnd>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #output = { stdout: "", stderr: "" };
  readonly #onOutput = new Set<() => void>();

  constructor(path: string) {
    const program = fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));
    this.#child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program], {
      ...{ cwd: ROOT, env: { ...outsideEnvironment(), NO_COLOR: "1", PORT: "0" } },
      ...{ timeout: PROGRAM_MS_MAX, killSignal: "SIGKILL" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#gather("stdout");
    this.#gather("stderr");
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code) => resolve({ code, ...this.#output }));
    });
  }

  /** The address that it listens on, as soon as it does. */
  async url(): Promise<string> {
    const [, url = ""] = await this.says(/^listening on (\S+)$/m);
    return url;
  }

  /** What it has written to stdout. */
  get stdout(): string {
    return this.#output.stdout;
  }

  /** Resolves when it has written this to stdout. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match !== null) return match;
      const { promise: more, resolve } = Promise.withResolvers<void>();
      this.#onOutput.add(resolve);
      const end = await Promise.race([more, this.ended]);
      this.#onOutput.delete(resolve);
      if (end !== undefined) throw new Error(`it ended: ${JSON.stringify(end)}`);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  #gather(name: "stdout" | "stderr"): void {
    this.#child[name].setEncoding("utf8").on("data", (text: string) => {
      this.#output[name] += text;
      for (const tell of this.#onOutput) tell();
    });
  }
}
