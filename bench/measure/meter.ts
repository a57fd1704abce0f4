import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "./monotonic-ms.ts";

const BYTES_PER_MB = 1e6;
/** Two turns of the histogram's own timer. */
const LOOP_SAMPLE_MS = 3;

export interface Cost {
  readonly opsPerS: number;
  readonly elapsedMs: number;
  readonly cpuUsPerJob: number;
  readonly rssGrowthMb: number;
  readonly jobCount: number;
}

export interface LoopCost extends Cost {
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
}

/** What a stretch of work costs this process: time, CPU of all its threads, memory, and its main loop. */
export class Meter {
  /** An idle loop reads about 1.1 ms at this resolution. */
  readonly #loopDelay = monitorEventLoopDelay({ resolution: 1 });
  #startedAt = 0;
  #cpu = process.cpuUsage();
  #rssBytes = 0;

  /** A meter that has begun. Takes a few turns of the loop first. */
  static async begin(): Promise<Meter> {
    const meter = new Meter();
    meter.#loopDelay.enable();
    // The first turn only sets the histogram's mark: work that blocks from the start would go unseen.
    await sleep(LOOP_SAMPLE_MS);
    meter.#mark();
    return meter;
  }

  /** Begins anew from this instant. Loses the sample of the turn that it is called in, as a reset does. */
  restart(): void {
    this.#loopDelay.reset();
    this.#mark();
  }

  #mark(): void {
    this.#rssBytes = process.memoryUsage.rss();
    this.#cpu = process.cpuUsage();
    this.#startedAt = monotonicMs();
  }

  /** The figures of `jobCount` jobs that lived from the meter's start until this call. */
  async stop(jobCount: number): Promise<LoopCost> {
    const cost = this.costNow(jobCount);
    // Work that never gave the loop back has left no sample yet; the next turn records how long it was.
    await sleep(LOOP_SAMPLE_MS);
    this.#loopDelay.disable();
    const loopDelayP99Ms = this.#loopDelay.percentile(99) / 1e6;
    return { ...cost, loopDelayP99Ms, loopDelayMaxMs: this.#loopDelay.max / 1e6 };
  }

  /** The same without the main loop, for work that is one loop by itself. */
  costNow(jobCount: number): Cost {
    const elapsedMs = monotonicMs() - this.#startedAt;
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      opsPerS: (jobCount / elapsedMs) * 1e3,
      elapsedMs,
      cpuUsPerJob: (user + system) / jobCount,
      rssGrowthMb: (process.memoryUsage.rss() - this.#rssBytes) / BYTES_PER_MB,
      jobCount,
    };
  }
}
