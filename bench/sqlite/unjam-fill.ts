/**
 * Fills a store with waiting jobs and leaves it, closed and flushed, for other probes to copy.
 * `task` and `priority` decide who they are to the measured jobs.
 */
import { fsyncSync, openSync } from "node:fs";
import { open, task } from "unjam";
import { monotonicMs } from "../measure/monotonic-ms.ts";
import { countSetting, report, setting } from "../measure/probe.ts";
import { backlogJob, type ImageJob } from "./payload.ts";

const JOBS_PER_CALL = 5_000;

const jobs = countSetting("jobs");
const file = setting("file");
const priority = countSetting("priority");
const waiting = task<ImageJob>(setting("task"), {});

const app = await open({
  store: `sqlite:${file}`,
  tasks: [waiting],
  work: false,
  queues: { default: { capacity: jobs + 100_000 } },
});
const startedAt = monotonicMs();
for (let from = 0; from < jobs; from += JOBS_PER_CALL) {
  const length = Math.min(JOBS_PER_CALL, jobs - from);
  await app.enqueueMany(
    waiting,
    Array.from({ length }, (_, index) => backlogJob(from + index)),
    { priority },
  );
}
const opsPerS = (jobs / (monotonicMs() - startedAt)) * 1e3;
await app.close();
fsyncSync(openSync(file, "r+"));
report({ opsPerS });
