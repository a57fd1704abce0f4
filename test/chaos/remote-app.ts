import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Program } from "./program.ts";

/** How a call in the other process ended: "ok" or the code of its error, and how long it took. */
export interface Answer {
  readonly outcome: string;
  readonly tookMs: number;
  readonly value: unknown;
}

export interface RemoteEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A folder with a store and a list of the runs that its handlers noted. */
export class Workshop implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), "unjam-chaos-"));
  readonly file: string;
  readonly #runs: string = join(this.folder, "runs");

  /** @param storeFolder where the store is, when not beside the runs */
  constructor(storeFolder?: string) {
    this.file = join(storeFolder ?? this.folder, "jobs.db");
    writeFileSync(this.#runs, "");
  }

  /** Starts an app on the store. */
  async open(options: AppSettings = {}): Promise<RemoteApp> {
    const app = this.start(options);
    await app.program.line("ready");
    return app;
  }

  /** Like {@link open}, for an app that may not come to be. */
  start({ work = {}, tasks, build, fixtures, variables }: AppSettings = {}): RemoteApp {
    const settings = {
      ...{ STORE: this.file, RUNS: this.#runs, WORK: JSON.stringify(work) },
      ...(tasks === undefined ? {} : { TASKS: tasks }),
      ...(build === undefined ? {} : { BUILD: build }),
      ...variables,
    };
    const program = Program.start("remote-app", settings, fixtures);
    return new RemoteApp(program);
  }

  /** How often each numbered job began. */
  runs(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const [n] of this.runners()) counts.set(n, (counts.get(n) ?? 0) + 1);
    return counts;
  }

  /** The job and the process of each run, in the order in which they began. */
  runners(): (readonly [n: number, pid: number])[] {
    const lines = readFileSync(this.#runs, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => {
      const [n = 0, , pid = 0] = line.split(" ").map(Number);
      return [n, pid] as const;
    });
  }

  /** Jobs that began more than once. */
  repeated(): number[] {
    return [...this.runs()].filter(([, count]) => count > 1).map(([n]) => n);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

export interface AppSettings {
  readonly work?:
    | false
    | { readonly loop?: number; readonly threads?: number; readonly processes?: number };
  /** The task module, relative to fixtures/. */
  readonly tasks?: string;
  /** URL of the package's index, when it is not the sources here. */
  readonly build?: string;
  /** Where the program is, when it is of another build altogether. */
  readonly fixtures?: string;
  /** More variables for its environment. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** An app in a process of its own; see fixtures/remote-app.ts. */
export class RemoteApp implements AsyncDisposable {
  readonly program: Program;
  #last = 0;

  constructor(program: Program) {
    this.program = program;
  }

  /** Lets the app do something; resolves however it ends. */
  async call(name: string, about: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    const number = ++this.#last;
    const answered = this.program.line(`answer ${number} `, 60_000);
    this.program.say(JSON.stringify({ number, name, ...about }));
    return JSON.parse(await answered) as Answer;
  }

  /** Like {@link call}, for what must succeed. */
  async ask(name: string, about: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const { outcome, value } = await this.call(name, about);
    if (outcome !== "ok") throw new Error(`${name} ended with ${outcome}: ${String(value)}`);
    return value;
  }

  async enqueue(task: string, input: object, options: object = {}): Promise<string> {
    return String(await this.ask("enqueue", { task, input, options }));
  }

  async events(name: string): Promise<RemoteEvent[]> {
    const events = (await this.ask("events")) as RemoteEvent[];
    return events.filter((event) => event.name === name);
  }

  /** Closes the app and ends its process. */
  async close(): Promise<void> {
    await this.ask("close");
    this.program.say("exit");
    await this.program.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}
