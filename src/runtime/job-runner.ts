import type { Clock, Timers } from "../core/clock.ts";
import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { ClaimedJob } from "../core/job.ts";
import type { LogLine } from "../core/job-context.ts";
import { formatJobId } from "../core/job-id.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import { plainFields } from "../core/plain-fields.ts";
import { type TaskBody, taskBody } from "../core/task.ts";
import { abortError } from "./abort-error.ts";
import { AttemptContext } from "./attempt-context.ts";
import { AttemptWaits } from "./attempt-waits.ts";
import type { FromJobThread, ToJobThread } from "./job-thread-messages.ts";
import { callHandler, endOfError, endOfValue } from "./run-handler.ts";
import { ThreadEnqueues } from "./thread-enqueues.ts";

/**
 * Runs the user's handlers in a job thread or a job process, one attempt at a time. It touches no
 * store; all that it has to say goes to the supervisor by message.
 */
export class JobRunner {
  readonly #clock: Clock;
  readonly #send: (message: FromJobThread) => void;
  readonly #tasks = new Map<string, TaskBody>();
  readonly #enqueues: ThreadEnqueues;
  readonly #waits: AttemptWaits;
  #running:
    | { readonly id: number; readonly token: number; readonly context: AttemptContext }
    | undefined;

  constructor(
    ports: { readonly clock: Clock; readonly timers: Timers },
    send: (message: FromJobThread) => void,
  ) {
    this.#clock = ports.clock;
    this.#send = send;
    this.#enqueues = new ThreadEnqueues(this.#tasks, ports, send);
    this.#waits = new AttemptWaits(ports, send);
  }

  /** Loads the user's module. Rejects with what it throws. */
  async load(module: string): Promise<void> {
    const exports: unknown = await import(module);
    for (const value of Object.values(exports ?? {})) {
      const body = taskBody(value);
      if (body?.handler !== undefined) this.#tasks.set(body.facts.name, body);
    }
  }

  receive(message: ToJobThread): void {
    if (message.type === "run") void this.#run(message.job);
    else if (message.type === "added") this.#enqueues.answered(message);
    else if (message.type === "awaited") this.#waits.answered(message.call, message.outcome);
    else if (this.#running?.id === message.id && this.#running.token === message.token) {
      this.#send({ type: "aborting", id: message.id, token: message.token });
      const reason = reasonOf(message);
      this.#running.context.revoke(reason);
      this.#waits.endAll(message, { kind: "error", error: toErrorRecord(reason) });
    }
  }

  async #run(job: ClaimedJob): Promise<void> {
    const { id, token, task } = job;
    const body = this.#tasks.get(task);
    if (body === undefined) {
      this.#send({ type: "end", id, token, end: this.#unknownTask(task) });
      return;
    }
    const deadlineAt = Math.round(this.#clock.wallNow() + body.facts.timeoutMs);
    const context = new AttemptContext(
      { id, token, attempt: job.attempt + 1, task, deadlineAt },
      {
        progress: (jobId, jobToken, report) =>
          this.#send({ type: "progress", id: jobId, token: jobToken, ...report }),
        log: (line) => this.#log(line),
        enqueue: (target, input, options) => this.#enqueues.enqueue(target, input, options),
        result: (lease, child, options) => this.#waits.result(lease, child, options),
      },
    );
    this.#running = { id, token, context };
    let end;
    try {
      end = endOfValue(await callHandler(body, job.payload, context), formatJobId(id));
    } catch (error) {
      end = endOfError(error);
    }
    this.#running = undefined;
    this.#waits.endAll({ id, token }, { kind: "gone" });
    this.#send({ type: "end", id, token, end });
  }

  /** A field that cannot be sent is no reason to fail an attempt: it is told as text. */
  #log(line: LogLine): void {
    try {
      this.#send({ type: "log", line });
    } catch {
      this.#send({ type: "log", line: { ...line, fields: plainFields(line.fields) } });
    }
  }

  #unknownTask(task: string): AttemptEnd {
    const error = new UnjamError("UNJAM_TASK_UNKNOWN", { task, known: [...this.#tasks.keys()] });
    const text = JSON.stringify(toErrorRecord(error));
    return { kind: "threw", error: text, retryInMs: null, isFinal: false };
  }
}

function reasonOf({ id, reason }: ToJobThread & { type: "abort" }): Error {
  if (reason !== "timeout") return abortError(reason, id);
  return new UnjamError("UNJAM_LEASE_LOST", { id: formatJobId(id), reason: "its time is over" });
}
