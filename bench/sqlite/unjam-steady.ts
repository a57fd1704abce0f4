/**
 * unjam in its steady state: so many jobs that done rows exceed `keep.doneCountMax` and every
 * second prunes. Reports the second half only.
 */
import { join } from "node:path";
import { open, task } from "unjam";
import { Meter } from "../measure/meter.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { type ImageJob, imageJob } from "./payload.ts";

const jobs = countSetting("jobs");
const callers = countSetting("callers");
const firstHalf = Math.floor(jobs / 2);

let handledCount = 0;
const meter = await Meter.begin();
const allHandled = Promise.withResolvers<void>();
const noop = task("noop", {}, async (_input: ImageJob) => {
  handledCount++;
  if (handledCount === firstHalf) meter.restart();
  if (handledCount === jobs) allHandled.resolve();
});

const app = await open({ store: `sqlite:${join(setting("folder"), "jobs.db")}`, tasks: [noop] });

let left = jobs;
const caller = async (): Promise<void> => {
  while (left > 0) {
    left--;
    await app.enqueue(noop, imageJob(left));
  }
};
await Promise.all(Array.from({ length: callers }, caller));
await allHandled.promise;
await app.join({ waitMs: 120_000 });
const metrics = await meter.stop(jobs - firstHalf);

const queue = (await app.queues()).find(({ name }) => name === "default");
verify(handledCount === jobs, `${handledCount} handlers ran for ${jobs} jobs`);
await app.close();
report({ ...metrics, doneRowsAtEnd: queue?.counts.done ?? Number.NaN });
