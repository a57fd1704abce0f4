import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A line that has not come by then never will: the test fails and says which. */
const LINE_MS_MAX = 30_000;

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Wait {
  readonly start: string;
  readonly resolve: (line: string) => void;
}

const FIXTURES = fileURLToPath(new URL("./fixtures", import.meta.url));

/** The command that runs fixtures/`name`.ts, or its copy in another folder. */
export function commandOf(name: string, fixtures: string = FIXTURES): string[] {
  const file = join(fixtures, `${name}.ts`);
  return [process.execPath, "--disable-warning=ExperimentalWarning", file];
}

/**
 * A program under test: a real process that runs a file of fixtures/ and talks in lines. Nobody
 * sleeps: a test waits for a line or for the end, and both are bounded.
 */
export class Program implements AsyncDisposable {
  /** Everything it wrote, stderr included, in order of arrival. */
  readonly lines: string[] = [];
  readonly ended: Promise<ProgramEnd>;
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #waits = new Set<Wait>();
  /** Lines that nobody has waited for yet. */
  readonly #unread: string[] = [];

  /** Starts fixtures/`name`.ts, or its copy in another folder, with these variables added. */
  static start(
    name: string,
    variables: Readonly<Record<string, string>> = {},
    fixtures?: string,
  ): Program {
    return new Program(name, commandOf(name, fixtures), variables);
  }

  /** Starts any command. */
  static run(
    command: readonly string[],
    variables: Readonly<Record<string, string>> = {},
  ): Program {
    return new Program(command.join(" "), command, variables);
  }

  private constructor(
    name: string,
    [command = "", ...argv]: readonly string[],
    variables: Readonly<Record<string, string>>,
  ) {
    this.#name = name;
    // A program of its own: what vitest sets for its workers does not belong in it.
    const { NODE_OPTIONS: _, ...env } = process.env;
    this.#process = spawn(command, argv, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...env, ...variables },
    });
    this.#listen("stdout");
    this.#listen("stderr");
    // Writing to a program that is just being killed is no error of the test.
    this.#process.stdin?.on("error", () => undefined);
    this.ended = new Promise((resolve, reject) => {
      this.#process.on("error", reject);
      this.#process.on("close", (code, signal) => resolve({ code, signal }));
    });
    this.ended.catch(() => undefined);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** The first line that begins with `start`, among those not given out yet; without `start`. */
  async line(start: string, withinMs: number = LINE_MS_MAX): Promise<string> {
    const index = this.#unread.findIndex((line) => line.startsWith(start));
    const [early] = index < 0 ? [] : this.#unread.splice(index, 1);
    const line = early ?? (await this.#next(start, withinMs));
    return line.slice(start.length).trim();
  }

  /** Asks by a line on stdin and waits for the line that begins with `answer`. */
  ask(question: string, answer: string, withinMs?: number): Promise<string> {
    this.say(question);
    return this.line(answer, withinMs);
  }

  say(text: string): void {
    this.#process.stdin?.write(`${text}\n`);
  }

  /** Ends it, and waits until it is gone. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<ProgramEnd> {
    this.#process.kill(signal);
    return this.ended;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) await this.kill();
  }

  #next(start: string, withinMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        if (!this.#waits.delete(wait)) return;
        clearTimeout(timer);
        const last = this.lines.slice(-30).join("\n  ");
        reject(new Error(`${this.#name}: ${why} before its line "${start}"; it wrote\n  ${last}`));
      };
      const timer = setTimeout(() => fail(`${withinMs} ms passed`), withinMs);
      const wait: Wait = {
        start,
        resolve: (line) => {
          clearTimeout(timer);
          resolve(line);
        },
      };
      this.#waits.add(wait);
      this.ended.then(
        ({ code, signal }) => fail(`it ended (code ${code}, signal ${signal})`),
        (error: unknown) => fail(String(error)),
      );
    });
  }

  #listen(name: "stdout" | "stderr"): void {
    let rest = "";
    this.#process[name]?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    });
  }

  #take(line: string): void {
    this.lines.push(line);
    for (const wait of this.#waits) {
      if (!line.startsWith(wait.start)) continue;
      this.#waits.delete(wait);
      wait.resolve(line);
      return;
    }
    this.#unread.push(line);
  }
}
