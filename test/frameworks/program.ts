import { type ChildProcess, spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { outsideEnvironment } from "../../scripts/packed-project.ts";

export interface RunOptions {
  readonly folder: string;
  /** Of real time; then everything that was started is killed, and the run is a failure. */
  readonly limitMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the project to its end. */
export async function run(argv: readonly string[], options: RunOptions): Promise<Ended> {
  return new Program(argv, options).ended;
}

/** Runs what must end well. @throws with its output when it does not */
export async function succeed(argv: readonly string[], options: RunOptions): Promise<Ended> {
  const ended = await run(argv, options);
  if (ended.code !== 0) throw new Error(`${argv.join(" ")} failed\n${textOf(ended)}`);
  return ended;
}

/** A server that says its URL on stdout, in a line that ends in it. */
export class Server implements AsyncDisposable {
  readonly url: string;
  readonly #program: Program;

  private constructor(program: Program, url: string) {
    this.#program = program;
    this.url = url;
  }

  static async start(argv: readonly string[], options: RunOptions): Promise<Server> {
    const program = new Program(argv, options);
    return new Server(program, await program.found(/(http:\/\/\S+)\s/));
  }

  /** Ends it as an operator does, and answers how it went. */
  stop(): Promise<Ended> {
    this.#program.kill("SIGTERM");
    return this.#program.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.kill("SIGKILL");
    await this.#program.ended.catch(() => undefined);
  }
}

class Program {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #stdout = "";
  #stderr = "";

  constructor([command = "", ...argv]: readonly string[], options: RunOptions) {
    const { folder: cwd, limitMs } = options;
    // A group of its own: what it starts ends with it.
    this.#child = spawn(command, argv, {
      cwd,
      env: { ...environmentFor(cwd), ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      for (const watcher of this.#watchers) watcher();
    });
    this.#child.stderr?.on("data", (chunk: Buffer) => (this.#stderr += chunk.toString()));
    this.ended = this.#end(limitMs, [command, ...argv].join(" "));
  }

  kill(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    process.kill(-pid, signal);
  }

  /** What the pattern finds on stdout. @throws when the program ends before */
  found(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(this.#stdout)?.[1];
        if (found === undefined) return;
        this.#watchers.delete(look);
        resolve(found);
      };
      this.#watchers.add(look);
      look();
      this.ended.then((ended) => reject(new Error(`it ended first\n${textOf(ended)}`)), reject);
    });
  }

  #end(limitMs: number, what: string): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.kill("SIGKILL");
        const output = `${this.#stdout}\n${this.#stderr}`;
        reject(new Error(`${what} was not over after ${limitMs} ms\n${output}`));
      }, limitMs);
      this.#child.once("error", reject);
      this.#child.once("close", (code, signal) => {
        clearTimeout(timer);
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }
}

/** A user's shell in the project, with the Node that runs this. */
function environmentFor(folder: string): NodeJS.ProcessEnv {
  const environment = outsideEnvironment();
  const path = [
    join(folder, "node_modules/.bin"),
    dirname(process.execPath),
    environment["PATH"] ?? "",
  ];
  return {
    ...environment,
    PATH: path.join(delimiter),
    NO_COLOR: "1",
    NEXT_TELEMETRY_DISABLED: "1",
  };
}

function textOf({ code, signal, stdout, stderr }: Ended): string {
  return `exit code ${code}, signal ${signal}\n${stdout}\n${stderr}`;
}
