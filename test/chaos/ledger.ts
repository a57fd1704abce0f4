import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Program } from "./program.ts";
import { StoreFile } from "./store-file.ts";

/** A folder with a store, what was acknowledged on it, and what ran. */
export class Ledger implements Disposable {
  readonly store: string;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "unjam-ledger-"));
  /** Leases that stood in the file at a kill: "job token". Each is one loss. */
  readonly interrupted: Set<string> = new Set<string>();
  readonly #acks: string = join(this.#folder, "acks");
  readonly #runs: string = join(this.#folder, "runs");

  /** @param storeFolder where the store is, when not beside the ledger */
  constructor(storeFolder?: string) {
    this.store = join(storeFolder ?? this.#folder, "jobs.db");
    for (const file of [this.#acks, this.#runs]) writeFileSync(file, "");
  }

  /**
   * A process that enqueues and works until it is killed; see fixtures/restless.ts.
   * @param fixtures where that is, when it is of another build
   */
  start(variables: Readonly<Record<string, string>>, fixtures?: string): Program {
    const files = { STORE: this.store, ACKS: this.#acks, RUNS: this.#runs };
    return Program.start("restless", { ...files, ...variables }, fixtures);
  }

  /** Notes what a kill left leased. */
  lookAfterKill(): void {
    using file = StoreFile.copyOf(this.store);
    if (!file.hasTables) return;
    for (const { id, token } of file.jobs("state = 2")) this.interrupted.add(`${id} ${token}`);
  }

  acknowledged(): number[] {
    return numbersIn(this.#acks).map(([n]) => n ?? 0);
  }

  /** Number and token of each run, in the order in which they began. */
  runs(): (readonly number[])[] {
    return numbersIn(this.#runs);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** Whole lines only: a kill cannot cut a write, but it may come before the newline's write. */
function numbersIn(file: string): number[][] {
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => line.split(" ").map(Number));
}
