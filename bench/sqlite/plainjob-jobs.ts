/**
 * plainjob end to end. Its `add` is synchronous, so the number of callers changes nothing, and its
 * worker is sequential on the same thread: adding first and then working is its fastest order.
 */
import { defineWorker } from "plainjob";
import { Meter } from "../measure/meter.ts";
import { countSetting, report, setting, verify } from "../measure/probe.ts";
import { imageJob } from "./payload.ts";
import { plainjobQueue, quietLogger } from "./plainjob-queue.ts";

const JOBS_PER_CALL = 500;

const jobs = countSetting("jobs");
const queue = plainjobQueue(setting("folder"), setting("synchronous"));

let settledCount = 0;
const allSettled = Promise.withResolvers<void>();
const worker = defineWorker("noop", async ({ data }) => void JSON.parse(data), {
  queue,
  logger: quietLogger,
  // Called after the row was marked as done.
  onCompleted: () => {
    if (++settledCount === jobs) allSettled.resolve();
  },
});

const meter = await Meter.begin();
if (setting("call") === "add") {
  for (let index = 0; index < jobs; index++) queue.add("noop", imageJob(index));
} else {
  for (let from = 0; from < jobs; from += JOBS_PER_CALL) {
    const length = Math.min(JOBS_PER_CALL, jobs - from);
    queue.addMany(
      "noop",
      Array.from({ length }, (_, index) => imageJob(from + index)),
    );
  }
}
// Resolves when the worker is stopped, which this probe never does.
worker.start().catch((error: unknown) => {
  throw error;
});
await allSettled.promise;
const metrics = await meter.stop(jobs);
const doneCount = queue.countJobs({ status: 2 });
verify(doneCount === jobs, `${doneCount} jobs are done, not ${jobs}`);
report({ ...metrics });
