import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A program in `fixtures/` that runs in a process of its own until it is killed. */
export class WorkerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, "exit");
  }

  /** Resolves once the program has printed its first line, which says that it works. */
  static async start(program: string, ...args: readonly string[]): Promise<WorkerProcess> {
    const file = fileURLToPath(new URL(`./fixtures/${program}`, import.meta.url));
    const child = spawn(process.execPath, [file, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const worker = new WorkerProcess(child);
    const died = worker.#exit.then(() => {
      throw new Error(`${program} ended before it worked`);
    });
    await Promise.race([once(child.stdout, "data"), died]);
    died.catch(() => undefined);
    return worker;
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error("the process was never started");
    return pid;
  }

  /** Ends it as a crash does, with no chance to say goodbye. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
