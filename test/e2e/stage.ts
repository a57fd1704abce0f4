import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { App, Logger, OpenOptions } from "../../src/index.ts";
import { open } from "../../src/index.ts";

/** Where a behaviour is looked at: which store, and in threads of its own or in the test's. */
export interface Mode {
  readonly store: "memory" | "sqlite";
  readonly runtime: "threads" | "inline";
}

export const ON_THREADS: readonly Mode[] = [
  { store: "memory", runtime: "threads" },
  { store: "sqlite", runtime: "threads" },
];
/** For what depends little on the store: each store and each runtime once. */
export const CORNERS: readonly Mode[] = [
  { store: "sqlite", runtime: "threads" },
  { store: "memory", runtime: "inline" },
];
export const EVERYWHERE: readonly Mode[] = [
  ...ON_THREADS,
  { store: "memory", runtime: "inline" },
  { store: "sqlite", runtime: "inline" },
];

/** A line that the app wrote to its logger. */
interface LoggedLine {
  readonly level: string;
  readonly message: string;
  readonly fields: object;
}

/** One store for one test, and the apps that are opened on it. All are closed in the end. */
export class Stage implements AsyncDisposable {
  readonly mode: Mode;
  readonly logged: LoggedLine[] = [];
  readonly folder: string;
  readonly #apps: App[] = [];

  private constructor(mode: Mode, folder: string) {
    this.mode = mode;
    this.folder = folder;
  }

  static async open(mode: Mode): Promise<Stage> {
    return new Stage(mode, await mkdtemp(join(tmpdir(), "unjam-e2e-")));
  }

  get store(): string {
    return this.mode.store === "memory" ? "memory:" : `sqlite:${join(this.folder, "jobs.db")}`;
  }

  /** An app on the stage's store; a memory store is another one each time. */
  async app(options: OpenOptions = {}): Promise<App> {
    const { store, logger } = this;
    const app = await open({ store, logger, runtime: this.mode.runtime, ...options });
    this.#apps.push(app);
    return app;
  }

  get logger(): Logger {
    const write =
      (level: string) =>
      (fields: object, message: string): void =>
        void this.logged.push({ level, message, fields });
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#apps.map((app) => app.close({ graceMs: 0 })));
    await rm(this.folder, { recursive: true, force: true });
  }
}
