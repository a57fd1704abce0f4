import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./condition.ts";
import { Program } from "./program.ts";

/** @throws by name: a machine that cannot inject faults has not tested them. */
export function requireStrace(): void {
  const { status } = spawnSync("strace", ["--version"]);
  if (status !== 0) throw new Error("strace is missing; apt-get install strace");
}

/** The kernel's number of a thread of a process, by the name that it was started with. */
export function threadOf(pid: number, name: string): Promise<number> {
  // The kernel keeps 15 characters.
  const short = name.slice(0, 15);
  return until(`process ${pid} has a thread "${short}"`, () => {
    const tasks = readdirSync(`/proc/${pid}/task`);
    const comm = (tid: string): string =>
      readFileSync(`/proc/${pid}/task/${tid}/comm`, "utf8").trim();
    const found = tasks.find((tid) => comm(tid) === short);
    return found === undefined ? undefined : Number(found);
  });
}

/** Faults in the system calls of one thread, for as long as it is attached. */
export class Strace {
  readonly #program: Program;
  readonly #folder: string;

  /** @param injections as after `strace -e inject=`; their first parts name the calls. */
  static async attach(tid: number, ...injections: readonly string[]): Promise<Strace> {
    const folder = mkdtempSync(join(tmpdir(), "unjam-strace-"));
    const calls = injections.map((injection) => injection.slice(0, injection.indexOf(":")));
    const program = Program.run([
      ...["strace", "-p", String(tid), "-o", join(folder, "log")],
      ...["-e", `trace=${calls.join(",")}`, "-e", "signal=none"],
      ...injections.flatMap((injection) => ["-e", `inject=${injection}`]),
    ]);
    await program.line("strace: Process");
    return new Strace(program, folder);
  }

  private constructor(program: Program, folder: string) {
    this.#program = program;
    this.#folder = folder;
  }

  /** Whether one of the calls was seen. */
  hasBegun(): boolean {
    return this.#log().includes("(");
  }

  /** Ends the faults; answers how many there were. */
  async detach(): Promise<number> {
    await this.#program.kill("SIGINT");
    const log = this.#log();
    rmSync(this.#folder, { recursive: true });
    return log.split("\n").filter((line) => line.endsWith("(INJECTED)")).length;
  }

  #log(): string {
    return readFileSync(join(this.#folder, "log"), "utf8");
  }
}
