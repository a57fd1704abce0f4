/** Sends jobs at an even pace and keeps when each was sent and when its handler started. */
import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { percentile } from "../statistics.ts";
import type { Metrics } from "../metrics.ts";

const WARM_UP_JOBS = 20;
/** A job that has not started by then never will. */
const LAST_START_MS_MAX = 20_000;

export interface PacedJobs {
  readonly jobs: number;
  readonly jobsPerS: number;
  /** Resolves when the enqueue is acknowledged. `index` goes with the job and comes back in `started`. */
  readonly send: (index: number) => Promise<unknown>;
}

export class StartTimes {
  readonly #startedAt = new Map<number, number>();

  /** Call it first thing in the handler, or with the instant that the handler read. */
  started(index: number, at: number = monotonicMs()): void {
    this.#startedAt.set(index, at);
  }

  async measure({ jobs, jobsPerS, send }: PacedJobs): Promise<Metrics> {
    for (let index = -WARM_UP_JOBS; index < 0; index++) await send(index);
    await this.#allStarted(WARM_UP_JOBS);
    const cpu = process.cpuUsage();
    const beganAt = monotonicMs();
    const sentAt: number[] = [];
    const acknowledged: Promise<number>[] = [];
    for (let index = 0; index < jobs; index++) {
      const at = monotonicMs();
      sentAt.push(at);
      acknowledged.push(send(index).then(() => monotonicMs() - at));
      // Uneven on purpose: a peer that polls must not meet every job at the same phase.
      await sleep((1_000 / jobsPerS) * (0.8 + 0.4 * Math.random()));
    }
    const enqueueMs = await Promise.all(acknowledged);
    await this.#allStarted(WARM_UP_JOBS + jobs);
    const { user, system } = process.cpuUsage(cpu);
    const waitsMs = sentAt.map((at, index) => (this.#startedAt.get(index) ?? Number.NaN) - at);
    return {
      p50Ms: percentile(waitsMs, 0.5),
      p99Ms: percentile(waitsMs, 0.99),
      maxMs: Math.max(...waitsMs),
      enqueueP50Ms: percentile(enqueueMs, 0.5),
      cpuPercent: ((user + system) / 1e3 / (monotonicMs() - beganAt)) * 100,
      jobCount: jobs,
    };
  }

  async #allStarted(count: number): Promise<void> {
    const deadline = monotonicMs() + LAST_START_MS_MAX;
    while (this.#startedAt.size < count) {
      if (monotonicMs() > deadline)
        throw new Error(`${this.#startedAt.size} of ${count} jobs started`);
      await sleep(5);
    }
  }
}
