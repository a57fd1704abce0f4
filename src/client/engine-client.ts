import type { Clock, MonotonicMs, Timer, Timers } from "../core/clock.ts";
import { fromErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { JobNumber, JobRecord } from "../core/job.ts";
import { formatJobId } from "../core/job-id.ts";
import { ANSWER_SLACK_MS } from "../core/limits.ts";
import { NumberMap } from "../core/number-map.ts";
import type { CallAnswers, EngineCall, FromEngine, ToEngine } from "../runtime/messages.ts";
import type { LocalWait } from "./open-waits.ts";

interface OpenCall {
  readonly name: string;
  readonly request: EngineCall;
  readonly since: MonotonicMs;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

interface ResultWait {
  readonly since: MonotonicMs;
  readonly deadline: MonotonicMs;
  readonly settle: (record: JobRecord | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** Distributes `Omit` over the union of calls. */
type Unbounded<C> = C extends unknown ? Omit<C, "deadline"> : never;

/**
 * Questions to the engine and waits for results, each with a deadline of its own on this side:
 * whatever happens to the engine, every promise made here ends.
 */
export class EngineClient {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #send: (message: ToEngine) => void;
  readonly #calls = new Map<number, OpenCall>();
  readonly #results = new NumberMap<Set<ResultWait>>();
  #lastCall = 0;
  #over: Error | undefined;
  #newlyWatched: JobNumber[] = [];

  constructor(
    ports: { readonly clock: Clock; readonly timers: Timers },
    send: (message: ToEngine) => void,
  ) {
    this.#clock = ports.clock;
    this.#timers = ports.timers;
    this.#send = send;
  }

  /** @throws what the engine answers; UNJAM_WAIT_TIMEOUT when it does not within `waitMs` */
  call<N extends EngineCall["name"]>(
    request: Unbounded<EngineCall> & { readonly name: N },
    waitMs: number,
  ): Promise<CallAnswers[N]> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    const since = this.#clock.now();
    const call = ++this.#lastCall;
    const bounded = { ...request, deadline: since + waitMs } as EngineCall;
    return new Promise<CallAnswers[N]>((resolve, reject) => {
      const onTime = (): void => {
        this.#calls.delete(call);
        const waitedMs = Math.round(this.#clock.now() - since);
        reject(new UnjamError("UNJAM_WAIT_TIMEOUT", { what: request.name, waitedMs, state: null }));
      };
      const timer = this.#timers.after(waitMs + ANSWER_SLACK_MS, onTime);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the engine answers a call by its name; CallAnswers says with what.
      const settle = resolve as (answer: unknown) => void;
      this.#calls.set(call, {
        name: request.name,
        request: bounded,
        since,
        resolve: settle,
        reject,
        timer,
      });
      this.#send({ type: "call", call, request: bounded });
    });
  }

  /**
   * Resolves with the job's record once it is settled, with `undefined` when it is not in the store.
   * @throws UNJAM_WAIT_TIMEOUT, or the signal's reason
   */
  settled(
    id: JobNumber,
    options: {
      readonly waitMs: number;
      readonly signal: AbortSignal | undefined;
      /** When the wait began, if a question came before it. */
      readonly since?: MonotonicMs;
    },
  ): Promise<JobRecord | undefined> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    const { waitMs, signal, since = this.#clock.now() } = options;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        this.#forget(id, wait);
      };
      const onAbort = (): void => {
        end();
        reject(signal?.reason);
      };
      const onTime = (): void => {
        end();
        const waitedMs = Math.round(this.#clock.now() - since);
        const what = `the result of job ${formatJobId(id)}`;
        reject(new UnjamError("UNJAM_WAIT_TIMEOUT", { what, waitedMs, state: null }));
      };
      const leftMs = Math.max(0, since + waitMs - this.#clock.now());
      const timer = this.#timers.after(leftMs, onTime);
      const wait: ResultWait = {
        since,
        deadline: since + waitMs,
        settle: (record) => {
          end();
          resolve(record);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#remember(id, wait);
    });
  }

  /** Handles what concerns calls and results; false for any other message. */
  receive(message: FromEngine): boolean {
    if (message.type === "answer" || message.type === "refusal") {
      const open = this.#calls.get(message.call);
      this.#calls.delete(message.call);
      open?.timer.cancel();
      if (message.type === "answer") open?.resolve(message.answer);
      else open?.reject(fromErrorRecord(message.error));
      return true;
    }
    if (message.type !== "settled") return false;
    for (const record of message.records) this.#settle(record.id, record);
    for (const id of message.gone) this.#settle(id, undefined);
    return true;
  }

  /** Asks a new engine for everything that the old one still owed. Repeating a question is harmless. */
  resend(): void {
    const watched = [...this.#results.keys()];
    if (watched.length > 0) this.#send({ type: "watch", ids: watched });
    for (const [call, { request }] of this.#calls) this.#send({ type: "call", call, request });
  }

  /** Rejects what is open, and whatever is asked later: there is no engine any more. */
  rejectAll(error: Error): void {
    this.#over = error;
    for (const open of this.#calls.values()) {
      open.timer.cancel();
      open.reject(error);
    }
    this.#calls.clear();
    // Copied, because each rejection takes its wait out.
    for (const waits of [...this.#results.values()]) for (const wait of waits) wait.reject(error);
  }

  /** What is open but for questions about waits. */
  waits(): LocalWait[] {
    const calls = [...this.#calls.values()].filter(({ name }) => name !== "waits");
    const results = [...this.#results.keys()].flatMap((id) =>
      [...(this.#results.get(id) ?? [])].map(({ since, deadline }) => ({
        ...{ name: `result of ${formatJobId(id)}`, waiter: null, since, deadline, count: 1 },
        awaited: { kind: "job", id: formatJobId(id) } as const,
      })),
    );
    return [...calls.map(callWait), ...results];
  }

  #settle(id: JobNumber, record: JobRecord | undefined): void {
    const waits = this.#results.get(id);
    this.#results.delete(id);
    for (const wait of waits ?? []) wait.settle(record);
  }

  #remember(id: JobNumber, wait: ResultWait): void {
    const waits = this.#results.get(id);
    if (waits !== undefined) {
      waits.add(wait);
      return;
    }
    this.#results.set(id, new Set([wait]));
    // One message for all that begin to wait in this turn.
    if (this.#newlyWatched.push(id) > 1) return;
    this.#timers.soon(() => {
      const ids = this.#newlyWatched.filter((watched) => this.#results.has(watched));
      this.#newlyWatched = [];
      if (ids.length > 0) this.#send({ type: "watch", ids });
    });
  }

  #forget(id: JobNumber, wait: ResultWait): void {
    const waits = this.#results.get(id);
    if (waits === undefined || !waits.delete(wait) || waits.size > 0) return;
    this.#results.delete(id);
    this.#send({ type: "unwatch", ids: [id] });
  }
}

function callWait({ name, since, request: { deadline } }: OpenCall): LocalWait {
  const kind = name === "drain" ? "handlers" : "store";
  return { name, waiter: null, since, deadline, count: 1, awaited: { kind } };
}
