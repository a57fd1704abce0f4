/**
 * The entry of a job thread: loads the user's task module and runs one attempt at a time. It
 * touches no store; all it has to say goes to the supervisor by message.
 */
import { parentPort, workerData } from "node:worker_threads";
import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { ClaimedJob } from "../core/job.ts";
import { formatJobId } from "../core/job-id.ts";
import { invariant } from "../core/invariant.ts";
import { type TaskBody, taskBody } from "../core/task.ts";
import { abortError } from "./abort-error.ts";
import { AttemptContext } from "./attempt-context.ts";
import type { FromJobThread, JobThreadData, ToJobThread } from "./job-thread-messages.ts";
import { markJobThread } from "./job-thread-mark.ts";
import { nodeClock, nodeTimers } from "./node-ports.ts";
import { callHandler, endOfError, endOfValue } from "./run-handler.ts";
import { ThreadEnqueues } from "./thread-enqueues.ts";
import { JOB_NICE, lowerPriority } from "../threads/thread-priority.ts";

const port = parentPort;
invariant(port !== null, "job-thread.ts runs as a worker thread");
const send = (message: FromJobThread): void => port.postMessage(message);

markJobThread();
lowerPriority(JOB_NICE);

const tasks = new Map<string, TaskBody>();
const enqueues = new ThreadEnqueues(tasks, { clock: nodeClock, timers: nodeTimers }, send);
let running:
  | { readonly id: number; readonly token: number; readonly context: AttemptContext }
  | undefined;

async function load(): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- set by the supervisor that starts this file.
  const { module } = workerData as JobThreadData;
  const exports: unknown = await import(module);
  for (const value of Object.values(exports ?? {})) {
    const body = taskBody(value);
    if (body?.handler !== undefined) tasks.set(body.facts.name, body);
  }
  port?.on("message", receive);
  send({ type: "ready" });
}

function receive(message: ToJobThread): void {
  if (message.type === "run") void run(message.job);
  else if (message.type === "added") enqueues.answered(message);
  else if (running?.id === message.id && running.token === message.token) {
    send({ type: "aborting", id: message.id, token: message.token });
    running.context.revoke(reasonOf(message));
  }
}

function reasonOf({ id, reason }: ToJobThread & { type: "abort" }): Error {
  if (reason !== "timeout") return abortError(reason, id);
  return new UnjamError("UNJAM_LEASE_LOST", { id: formatJobId(id), reason: "its time is over" });
}

async function run(job: ClaimedJob): Promise<void> {
  const { id, token, task } = job;
  const body = tasks.get(task);
  if (body === undefined) {
    const error = new UnjamError("UNJAM_TASK_UNKNOWN", { task, known: [...tasks.keys()] });
    const text = JSON.stringify(toErrorRecord(error));
    send({
      type: "end",
      id,
      token,
      end: { kind: "threw", error: text, retryInMs: null, isFinal: false },
    });
    return;
  }
  const deadlineAt = Math.round(nodeClock.wallNow() + body.facts.timeoutMs);
  const context = new AttemptContext(
    { id, token, attempt: job.attempt + 1, task, deadlineAt },
    {
      progress: (jobId, jobToken, report) =>
        send({ type: "progress", id: jobId, token: jobToken, ...report }),
      log: (line) => send({ type: "log", line }),
      enqueue: (target, input, options) => enqueues.enqueue(target, input, options),
    },
  );
  running = { id, token, context };
  let end;
  try {
    end = endOfValue(await callHandler(body, job.payload, context), formatJobId(id));
  } catch (error) {
    end = endOfError(error);
  }
  running = undefined;
  send({ type: "end", id, token, end });
}

// A module that fails to load ends the thread; the supervisor says why and tries again in its budget.
void load();
