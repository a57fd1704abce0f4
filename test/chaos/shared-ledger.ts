import { expect } from "vitest";
import type { Chance } from "./chance.ts";
import { Ledger } from "./ledger.ts";
import type { Program } from "./program.ts";
import { halfBatches, type JobRow, StoreFile } from "./store-file.ts";

/** Each life numbers its jobs from its own multiple of this on. */
const BASE_STEP = 1_000_000;

/**
 * Two processes on one file that enqueue and work, one of them killed with -9 again and again while
 * the other works on. Each side may be a build of its own.
 */
export class SharedLedger implements Disposable {
  readonly #ledger = new Ledger();
  /** Where the programs of either side are; `undefined` for the build under test. */
  readonly #sides: readonly (string | undefined)[];
  /** The side of each life, by the number of the life and by its process. */
  readonly #lives: number[] = [];
  readonly #pids = new Map<number, number>();
  /** How many runs there were when each process was still alive for certain. */
  readonly #runsBeforeKill = new Map<number, number>();

  constructor(sides: readonly [string | undefined, string | undefined]) {
    this.#sides = sides;
  }

  /** Kills one or the other so many times, and lets a last process finish what is left. */
  async run(kills: number, chance: Chance): Promise<void> {
    const programs = [this.#start(0), this.#start(1)];
    try {
      for (let kill = 0; kill < kills; kill++) {
        const victim = chance.between(0, 1);
        await programs[victim]?.line(chance.next() < 0.5 ? "ready" : "crunched");
        await this.#kill(programs[victim]);
        programs[victim] = this.#start(victim);
      }
      await Promise.all(programs.map((program) => program.line("ready")));
    } finally {
      await Promise.all(programs.map((program) => this.#kill(program)));
    }
    await using drain = this.#ledger.start({ DRAIN: "1" });
    expect(await drain.line("drained", 60_000)).toBe("0");
    await drain.ended;
  }

  /** What was lost, done twice, halved or left wrong; empty when nothing was. */
  wrongs(): string[] {
    using file = StoreFile.copyOf(this.#ledger.store);
    const jobs = file.jobs();
    const stored = new Set(jobs.map(({ n }) => n));
    const repeats = this.#repeats();
    const lost = this.#ledger.acknowledged().filter((n) => !stored.has(n));
    return [
      ...lost.map((n) => `job ${n} was acknowledged and is not stored`),
      ...halfBatches(jobs),
      ...jobs.flatMap((job) => wrongsOf(job)),
      ...jobs
        .filter(({ n, task }) => (repeats.get(n) ?? 0) > (task === "flaky" ? 1 : 0))
        .map(({ n }) => `job ${n} ran again while the process that had it was alive`),
      ...staleRuns(this.#ledger.runs()),
      ...file.faults(),
    ];
  }

  /** For the log, and against a run in which nothing happened. */
  summary(): { readonly acknowledged: number; readonly stored: number; readonly losses: number } {
    using file = StoreFile.copyOf(this.#ledger.store);
    const jobs = file.jobs();
    return {
      acknowledged: this.#ledger.acknowledged().length,
      stored: jobs.length,
      losses: jobs.reduce((sum, { losses }) => sum + losses, 0),
    };
  }

  /** How many runs on one side were of jobs that came from the other: [of 1 on 0, of 0 on 1]. */
  crossings(): readonly [number, number] {
    const counts: [number, number] = [0, 0];
    for (const [n = 0, , pid = 0] of this.#ledger.runs()) {
      const ranOn = this.#pids.get(pid);
      const cameFrom = this.#lives[Math.floor(n / BASE_STEP) - 1];
      if (ranOn === 0 && cameFrom === 1) counts[0]++;
      if (ranOn === 1 && cameFrom === 0) counts[1]++;
    }
    return counts;
  }

  [Symbol.dispose](): void {
    this.#ledger[Symbol.dispose]();
  }

  /** How often each job ran again before the process of the run before was killed. */
  #repeats(): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    const lastPid = new Map<number, number>();
    for (const [index, [n = 0, , pid = 0]] of this.#ledger.runs().entries()) {
      const before = lastPid.get(n);
      lastPid.set(n, pid);
      if (before === undefined || index >= (this.#runsBeforeKill.get(before) ?? 0)) continue;
      counts.set(n, (counts.get(n) ?? 0) + 1);
    }
    return counts;
  }

  async #kill(program: Program | undefined): Promise<void> {
    if (program === undefined) return;
    this.#runsBeforeKill.set(program.pid, this.#ledger.runs().length);
    await program.kill();
  }

  #start(side: number): Program {
    const life = this.#lives.push(side);
    const program = this.#ledger.start({ BASE: String(life * BASE_STEP) }, this.#sides[side]);
    this.#pids.set(program.pid, side);
    return program;
  }
}

/** Each attempt and each loss is one token, and so one run at most: more would be done twice. */
function wrongsOf({ n, task, state, attempt, losses, token }: JobRow): string[] {
  const attempts = task === "flaky" ? 2 : 1;
  return state === "done" && attempt === attempts && token === attempt + losses
    ? []
    : [
        `job ${n} (${task}) is ${state} at attempt ${attempt} with ${losses} losses, token ${token}`,
      ];
}

/** Runs whose token is not higher than that of the run of the same job before. */
export function staleRuns(runs: readonly (readonly number[])[]): string[] {
  const tokens = new Map<number, number>();
  return runs.flatMap(([n = 0, token = 0]) => {
    const before = tokens.get(n) ?? 0;
    tokens.set(n, token);
    return token > before ? [] : [`job ${n} ran with token ${token} after ${before}`];
  });
}
