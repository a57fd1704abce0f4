import type { Clock, Timer, Timers } from "../core/clock.ts";
import { type AddOrder, plainOrder, readOrder } from "../core/enqueue-order.ts";
import { UnjamError } from "../core/errors.ts";
import { invariant } from "../core/invariant.ts";
import { formatJobId } from "../core/job-id.ts";
import { ANSWER_MS_MIN, ANSWER_SLACK_MS } from "../core/limits.ts";
import { storeOverflow } from "../core/overflow.ts";
import { type TaskBody, taskBody } from "../core/task.ts";
import { addRefusal } from "./add-refusal.ts";
import type { FromJobThread, ToJobThread } from "./job-thread-messages.ts";
import { checkedPayload } from "./checked-payload.ts";

interface Caller {
  readonly order: AddOrder;
  readonly since: number;
  readonly resolve: (job: { readonly id: string }) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

/** `ctx.enqueue` on a job thread: the job travels by way of supervisor and engine into the store. */
export class ThreadEnqueues {
  readonly #tasks: ReadonlyMap<string, TaskBody>;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #send: (message: FromJobThread) => void;
  readonly #callers = new Map<number, Caller>();
  #lastBatch = 0;

  constructor(
    tasks: ReadonlyMap<string, TaskBody>,
    ports: { readonly clock: Clock; readonly timers: Timers },
    send: (message: FromJobThread) => void,
  ) {
    this.#tasks = tasks;
    this.#clock = ports.clock;
    this.#timers = ports.timers;
    this.#send = send;
  }

  async enqueue(
    task: { readonly name: string },
    input: unknown,
    options: Readonly<Record<string, unknown>> | undefined,
  ): Promise<{ readonly id: string }> {
    const body = taskBody(task) ?? this.#tasks.get(task.name);
    if (body === undefined) {
      const known = [...this.#tasks.keys()];
      throw new UnjamError("UNJAM_TASK_UNKNOWN", { task: String(task.name), known });
    }
    const plain = plainOrder(body.facts, undefined);
    const { order, ownId } = readOrder(plain, options, this.#clock);
    return this.#submit(order, ownId ?? 0, await checkedPayload(body, input));
  }

  answered({ ids, message }: ToJobThread & { readonly type: "added" }): void {
    const caller = this.#callers.get(message.batch);
    if (caller === undefined) return;
    this.#callers.delete(message.batch);
    caller.timer.cancel();
    const { shape } = caller.order;
    const id = shape.callerId ?? formatJobId(ids[0] ?? 0);
    const outcome = message.outcomes === "added" ? undefined : message.outcomes[0]?.[1];
    if (outcome === undefined || outcome.kind === "added") caller.resolve({ id });
    else if (outcome.kind === "exists") caller.resolve({ id: formatJobId(outcome.id) });
    else {
      invariant(outcome.kind !== "numberTaken", "the engine adds it again under another number");
      const waitedMs = Math.round(this.#clock.now() - caller.since);
      caller.reject(addRefusal(outcome, { shape, id, waitedMs }));
    }
  }

  #submit(order: AddOrder, id: number, payload: string): Promise<{ readonly id: string }> {
    const { shape, capacity, whenFull, waitersMax, waitMs } = order;
    const since = this.#clock.now();
    const batch = ++this.#lastBatch;
    const answerMs = Math.max(waitMs, ANSWER_MS_MIN);
    return new Promise((resolve, reject) => {
      const onTime = (): void => {
        this.#callers.delete(batch);
        const waitedMs = Math.round(this.#clock.now() - since);
        reject(
          new UnjamError("UNJAM_OUTCOME_UNKNOWN", {
            what: `enqueue ${shape.task}`,
            ids: [],
            waitedMs,
          }),
        );
      };
      const timer = this.#timers.after(answerMs + ANSWER_SLACK_MS, onTime);
      this.#callers.set(batch, { order, since, resolve, reject, timer });
      const job = { ids: [id], payloads: [payload] };
      const group = { shape, capacity, ...job, atomic: false, overflow: storeOverflow(whenFull) };
      const limits = { waitersMax, since, deadline: since + waitMs, answerBy: since + answerMs };
      this.#send({ type: "add", request: { batch, group, whenFull, ...limits } });
    });
  }
}
