/** The entry of a job thread: loads the user's task module and runs one attempt at a time. */
import { workerData } from "node:worker_threads";
import { machineClock, machineTimers } from "../threads/machine-clock.ts";
import { ownOsThread } from "../threads/os-thread.ts";
import { threadLine } from "../threads/thread-line.ts";
import { JOB_NICE, lowerPriority } from "../threads/thread-priority.ts";
import { JobRunner } from "./job-runner.ts";
import type { FromJobThread, JobThreadData, ToJobThread } from "./job-thread-messages.ts";
import { markJobThread } from "./job-thread-mark.ts";

const parent = threadLine<ToJobThread, FromJobThread>();
markJobThread();
lowerPriority(JOB_NICE);

const runner = new JobRunner({ clock: machineClock, timers: machineTimers }, (message) =>
  parent.send(message),
);

async function start(): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- set by the supervisor that starts this file.
  const { module } = workerData as JobThreadData;
  await runner.load(module);
  parent.onMessage((message) => runner.receive(message));
  parent.send({ type: "ready", osThread: ownOsThread() });
}

// A module that fails to load ends the thread; the supervisor says why and tries again in its budget.
void start();
