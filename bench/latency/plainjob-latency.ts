/** plainjob: add call to the start of the handler. Its worker polls and is not woken. */
import { defineWorker } from "plainjob";
import { countSetting, report, setting } from "../measure/probe.ts";
import { plainjobQueue, quietLogger } from "../sqlite/plainjob-queue.ts";
import { StartTimes } from "./paced-jobs.ts";

const times = new StartTimes();
const queue = plainjobQueue(setting("folder"), "NORMAL");
const worker = defineWorker("mark", ({ data }) => times.started(Number(data)), {
  queue,
  logger: quietLogger,
  pollIntervall: countSetting("pollMs"),
});
// Resolves when the worker is stopped, which this probe never does.
worker.start().catch((error: unknown) => {
  throw error;
});
const metrics = await times.measure({
  jobs: countSetting("jobs"),
  jobsPerS: countSetting("jobsPerS"),
  send: async (index) => queue.add("mark", index),
});
report(metrics);
