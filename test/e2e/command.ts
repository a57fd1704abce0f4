import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { outsideEnvironment } from "../../scripts/packed-project.ts";
import { UNPRIVILEGED } from "./unprivileged.ts";

const UNJAM = fileURLToPath(new URL("./fixtures/unjam.ts", import.meta.url));
export const TASKS: string = fileURLToPath(new URL("./fixtures/cli-tasks.ts", import.meta.url));
/** A line that has not come by then never will: the test fails and says which. */
const LINE_MS_MAX = 30_000;
/** Half a minute's wait for a locked file, twice over. */
const COMMAND_MS_MAX = 60_000;

export interface CommandEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads on stdin, which is closed after it. */
  readonly input?: string;
  /** Lets the modes of files bind it, whoever runs the tests. */
  readonly isUnprivileged?: boolean;
}

/** A folder of its own for one test, in which commands run. */
export class CommandFolder implements AsyncDisposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "unjam-cli-"));
  readonly #started: StartedCommand[] = [];

  /** Runs a command to its end. */
  unjam(line: readonly string[], options: CommandOptions = {}): Promise<CommandEnd> {
    return this.start(line, options).ended;
  }

  /** Starts one that is talked to while it runs. */
  start(line: readonly string[], options: CommandOptions = {}): StartedCommand {
    return this.node([UNJAM, ...line], options);
  }

  /** Starts any program of Node's. */
  node(line: readonly string[], options: CommandOptions = {}): StartedCommand {
    const command = new StartedCommand(line, { ...options, cwd: this.path });
    this.#started.push(command);
    return command;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const command of this.#started) command.signal("SIGKILL");
    await Promise.all(this.#started.map(({ ended }) => ended));
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A command that was started: nobody sleeps, a test waits for its lines or its end. */
export class StartedCommand {
  readonly ended: Promise<CommandEnd>;
  readonly #process: ChildProcess;
  readonly #output = { stdout: "", stderr: "" };
  readonly #looks = new Set<() => void>();

  constructor(
    line: readonly string[],
    { cwd, env, input, isUnprivileged = false }: CommandOptions & { readonly cwd: string },
  ) {
    const flags = ["--disable-warning=ExperimentalWarning"];
    const environment = { ...outsideEnvironment(), ...env };
    const [program = "", ...argv] = [
      ...(isUnprivileged ? UNPRIVILEGED : []),
      ...[process.execPath, ...flags, ...line],
    ];
    this.#process = spawn(program, argv, {
      ...{ cwd, env: environment },
      // One that hangs must not outlive its test.
      ...{ timeout: COMMAND_MS_MAX, killSignal: "SIGKILL" },
    });
    this.#collect("stdout");
    this.#collect("stderr");
    this.#process.stdin?.on("error", () => undefined).end(input);
    this.ended = new Promise((resolve, reject) => {
      this.#process.on("error", reject);
      this.#process.on("close", (code, signal) => resolve({ code, signal, ...this.#output }));
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Reads no more of it, as `| head` does when it has enough. */
  stopReading(): void {
    this.#process.stdout?.destroy();
  }

  /** Waits until it has written what the pattern finds. */
  async written(name: "stdout" | "stderr", pattern: RegExp): Promise<void> {
    if (pattern.test(this.#output[name])) return;
    const late = AbortSignal.timeout(LINE_MS_MAX);
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => {
        const { stdout, stderr } = this.#output;
        reject(new Error(`no ${String(pattern)} on ${name} of\n${stdout}\n${stderr}`));
      };
      const look = (): void => {
        if (!pattern.test(this.#output[name])) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
      late.addEventListener("abort", fail, { once: true });
      void this.ended.then(fail);
    });
  }

  #collect(name: "stdout" | "stderr"): void {
    this.#process[name]?.setEncoding("utf8").on("data", (text: string) => {
      this.#output[name] += text;
      for (const look of this.#looks) look();
    });
  }
}
