/** How much this process grows while a million jobs wait in its store. Run with --expose-gc. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { open, task } from "unjam";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { type ImageJob, imageJob } from "./payload.ts";

const JOBS_PER_CALL = 1_000;
const WARM_UP_JOBS = 1_000;
const SETTLE_MS = 500;

const jobs = countSetting("jobs");
const noop = task("noop", {}, async (_input: ImageJob) => {});

const app = await open({
  store: `sqlite:${join(setting("folder"), "jobs.db")}`,
  tasks: [noop],
  queues: { default: { capacity: jobs + 100_000 } },
});
// The process as it is in daily use: every code path compiled, a few jobs done, nothing waiting.
await enqueue(WARM_UP_JOBS);
await app.join({ waitMs: 30_000 });
await app.pause("default");
const before = await residentMb();
const startedAt = monotonicMs();
await enqueue(jobs);
const elapsedMs = monotonicMs() - startedAt;
const after = await residentMb();

const queue = (await app.queues()).find(({ name }) => name === "default");
verify(queue?.counts.ready === jobs, `${queue?.counts.ready} jobs wait, not ${jobs}`);
await app.close();
report({
  rssGrowthMb: after.now - before.now,
  rssPeakGrowthMb: after.peak - before.now,
  opsPerS: (jobs / elapsedMs) * 1e3,
});

async function enqueue(count: number): Promise<void> {
  for (let from = 0; from < count; from += JOBS_PER_CALL) {
    const length = Math.min(JOBS_PER_CALL, count - from);
    await app.enqueueMany(
      noop,
      Array.from({ length }, (_, index) => imageJob(from + index)),
    );
  }
}

interface Resident {
  readonly now: number;
  readonly peak: number;
}

async function residentMb(): Promise<Resident> {
  await sleep(SETTLE_MS);
  globalThis.gc?.();
  const status = readFileSync("/proc/self/status", "utf8");
  const megabytes = (name: string): number =>
    Number(new RegExp(String.raw`^${name}:\s+(\d+) kB$`, "m").exec(status)?.[1]) / 1_000;
  return { now: megabytes("VmRSS"), peak: megabytes("VmHWM") };
}
