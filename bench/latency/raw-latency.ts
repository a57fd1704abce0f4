/**
 * The raw limit of the latency with our schema: a bare thread that stores and leases what it is sent
 * by one fsynced transaction and sends it back. No queue could start a durable job sooner in this way.
 */
import { Worker } from "node:worker_threads";
import { countSetting, report, setting } from "../measure/probe.ts";
import { StartTimes } from "./paced-jobs.ts";

const times = new StartTimes();
const store = new Worker(new URL("raw-store-thread.ts", import.meta.url), {
  workerData: setting("folder"),
});
const acknowledged = new Map<number, () => void>();
store.on("message", (payload: string) => {
  const index = Number(JSON.parse(payload));
  times.started(index);
  acknowledged.get(index)?.();
  acknowledged.delete(index);
});
const metrics = await times.measure({
  jobs: countSetting("jobs"),
  jobsPerS: countSetting("jobsPerS"),
  send(index) {
    store.postMessage(JSON.stringify(index));
    return new Promise<void>((resolve) => acknowledged.set(index, resolve));
  },
});
report(metrics);
