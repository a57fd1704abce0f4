/** The entry of a job thread: loads the user's task module and runs one attempt at a time. */
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "../core/invariant.ts";
import { JOB_NICE, lowerPriority } from "../threads/thread-priority.ts";
import { JobRunner } from "./job-runner.ts";
import type { JobThreadData, ToJobThread } from "./job-thread-messages.ts";
import { markJobThread } from "./job-thread-mark.ts";
import { nodeClock, nodeTimers } from "./node-ports.ts";

const port = parentPort;
invariant(port !== null, "job-thread.ts runs as a worker thread");

markJobThread();
lowerPriority(JOB_NICE);

const runner = new JobRunner({ clock: nodeClock, timers: nodeTimers }, (message) =>
  port.postMessage(message),
);

async function start(): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- set by the supervisor that starts this file.
  const { module } = workerData as JobThreadData;
  await runner.load(module);
  port?.on("message", (message: ToJobThread) => runner.receive(message));
  port?.postMessage({ type: "ready" });
}

// A module that fails to load ends the thread; the supervisor says why and tries again in its budget.
void start();
