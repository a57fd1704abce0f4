import type { Clock, Timers } from "../core/clock.ts";
import { fromErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { Lease } from "../core/job.ts";
import { resultOf } from "../core/job-result.ts";
import type { AwaitMessage, UnawaitMessage, WaitOutcome } from "./messages.ts";

interface Call {
  readonly message: AwaitMessage;
  readonly end: (outcome: WaitOutcome) => void;
}

/**
 * The waits of handlers for the results of other jobs, on the thread where the handlers run. Each
 * has its deadline here; the engine says when the job is settled, or why it must not be waited for.
 */
export class AttemptWaits {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #send: (message: AwaitMessage | UnawaitMessage) => void;
  readonly #calls = new Map<number, Call>();
  #lastCall = 0;

  constructor(
    ports: { readonly clock: Clock; readonly timers: Timers },
    send: (message: AwaitMessage | UnawaitMessage) => void,
  ) {
    this.#clock = ports.clock;
    this.#timers = ports.timers;
    this.#send = send;
  }

  /**
   * @throws what {@link resultOf} throws, UNJAM_WAIT_TIMEOUT after `waitMs`, the signal's reason,
   *   UNJAM_DEADLOCK, UNJAM_TOO_MANY_WAITERS, UNJAM_RESULT_GONE, UNJAM_JOB_UNKNOWN
   */
  result(
    { id, token }: Lease,
    job: string,
    { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<unknown> {
    const call = ++this.#lastCall;
    const since = this.#clock.now();
    const waiting = new Promise((resolve, reject) => {
      const giveUp = (error: unknown): void => {
        this.#send({ type: "unawait", call });
        over();
        reject(error);
      };
      const onAbort = (): void => giveUp(signal?.reason);
      const timer = this.#timers.after(waitMs, () => {
        const waitedMs = Math.round(this.#clock.now() - since);
        const what = `the result of job ${job}`;
        giveUp(new UnjamError("UNJAM_WAIT_TIMEOUT", { what, waitedMs, state: null }));
      });
      const over = (): void => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        this.#calls.delete(call);
      };
      const end = (outcome: WaitOutcome): void => {
        over();
        try {
          resolve(valueOf(outcome, job));
        } catch (error) {
          reject(error);
        }
      };
      const deadline = since + waitMs;
      const message = { type: "await", call, id, token, job, since, deadline } as const;
      this.#calls.set(call, { message, end });
      this.#send(message);
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
    });
    // A handler may end without having awaited it; that must not end its thread.
    waiting.catch(() => undefined);
    return waiting;
  }

  answered(call: number, outcome: WaitOutcome): void {
    this.#calls.get(call)?.end(outcome);
  }

  /** The attempt is over, or no longer counts: nobody waits for it any more. */
  endAll({ id, token }: Lease, outcome: WaitOutcome): void {
    for (const { message, end } of this.#calls.values()) {
      if (message.id === id && message.token === token) end(outcome);
    }
  }

  /** What an engine must hear that knows nothing of these waits. */
  open(): AwaitMessage[] {
    return [...this.#calls.values()].map(({ message }) => message);
  }
}

function valueOf(outcome: WaitOutcome, job: string): unknown {
  if (outcome.kind === "settled") return resultOf(outcome.record);
  if (outcome.kind === "error") throw fromErrorRecord(outcome.error);
  throw new UnjamError("UNJAM_RESULT_GONE", { id: job });
}
