import { machineClock, machineTimers } from "../threads/machine-clock.ts";
/** The entry of a job process: loads the user's task module and runs one attempt at a time. */
import { processLine } from "../threads/process-line.ts";
import { JOB_NICE, lowerPriority } from "../threads/thread-priority.ts";
import { JobRunner } from "./job-runner.ts";
import type { FromJobThread, ToJobThread } from "./job-thread-messages.ts";
import { markJobThread } from "./job-thread-mark.ts";

// Before any thread is started: they inherit it.
lowerPriority(JOB_NICE);
const parent = processLine<ToJobThread, FromJobThread>();
markJobThread();

const runner = new JobRunner({ clock: machineClock, timers: machineTimers }, (message) =>
  parent.send(message),
);
// It still dies of it; this only tells why, which the exit code does not.
process.on("uncaughtExceptionMonitor", (error) =>
  parent.send({ type: "dying", reason: String(error) }),
);

async function start(): Promise<void> {
  const [module = ""] = process.argv.slice(2);
  await runner.load(module);
  parent.onMessage((message) => runner.receive(message));
  parent.send({ type: "ready", osThread: 0 });
}

// A module that fails to load ends the process; the supervisor says why and tries again in its budget.
void start();
