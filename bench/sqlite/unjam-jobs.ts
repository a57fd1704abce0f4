/**
 * unjam end to end: `callers` loops, each awaiting its enqueue before the next, jobs run on the
 * loop, and the clock stops when the last one is settled in the store. Default options.
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { open, task } from "unjam";
import { Meter } from "../measure/meter.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { type ImageJob, imageJob, isBacklog } from "./payload.ts";

const jobs = countSetting("jobs");
const callers = countSetting("callers");
/** Room for a backlog: the one option that is not a default, and only where one is measured. */
const capacity = countSetting("capacity");
/** A filled store to start from; empty for a new one. */
const backlogFile = setting("backlogFile");

const file = join(setting("folder"), "jobs.db");
if (backlogFile !== "") copyFileSync(backlogFile, file);

let handledCount = 0;
let handledBacklogCount = 0;
const allHandled = Promise.withResolvers<void>();
const noop = task("noop", {}, async (input: ImageJob) => {
  if (isBacklog(input)) handledBacklogCount++;
  else if (++handledCount === jobs) allHandled.resolve();
});

const queues = { default: { capacity } };
const app = await open({ store: `sqlite:${file}`, tasks: [noop], ...(capacity > 0 && { queues }) });

const meter = await Meter.begin();
let left = jobs;
const caller = async (): Promise<void> => {
  while (left > 0) {
    left--;
    await app.enqueue(noop, imageJob(left));
  }
};
await Promise.all(Array.from({ length: callers }, caller));
await allHandled.promise;
const settledCount = await untilSettled();
const metrics = await meter.stop(jobs);

verify(handledCount === jobs, `${handledCount} handlers ran for ${jobs} jobs`);
verify(settledCount >= jobs, `${settledCount} jobs are done in the store, not ${jobs}`);
await app.close();
report({ ...metrics, settledPerS: (settledCount / metrics.elapsedMs) * 1e3 });

/** Jobs done in the store, once every job that was handled until now is among them. */
async function untilSettled(): Promise<number> {
  const handled = handledCount + handledBacklogCount;
  // `join` waits for the whole queue, and a backlog does not end: there the counter is asked.
  if (capacity === 0) await app.join({ waitMs: 120_000 });
  for (;;) {
    const queue = (await app.queues()).find(({ name }) => name === "default");
    const doneCount = queue?.counts.done ?? 0;
    if (doneCount >= handled || capacity === 0) return doneCount;
  }
}
