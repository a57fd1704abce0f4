/**
 * Runs "loop" handlers on the client's main loop: as many at once as there are slots, in slices
 * of a few milliseconds, so that a burst of jobs never holds the loop.
 *
 * A handler here cannot be killed. At its deadline the attempt is settled as timed out, its slot
 * is free again, and the body that may still run is a *leak*: counted, cut off from its context,
 * and reported when it ends after all, so that the retry need not wait any longer for it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Clock, MonotonicMs, Timer, Timers } from "../core/clock.ts";
import { DeadlineLanes } from "../core/deadline-lanes.ts";
import { Fifo } from "../core/fifo.ts";
import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { JobNumber, Lease } from "../core/job.ts";
import { formatJobId } from "../core/job-id.ts";
import { BLOCK_CANDIDATES_MAX, LOOP_BLOCKED_MS, LOOP_TURN_MS_MAX } from "../core/limits.ts";
import { NumberMap } from "../core/number-map.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { TaskBody } from "../core/task.ts";
import { abortError } from "./abort-error.ts";
import { AttemptContext, type AttemptLink } from "./attempt-context.ts";
import type { AbortReason, AttemptColumns } from "./messages.ts";
import { callHandler, endOfError, endOfValue } from "./run-handler.ts";

/** What the runner tells: ends for the engine, blocks for the user. */
export interface LoopReports {
  returned(id: JobNumber, token: number, result: string | null): void;
  ended(id: JobNumber, token: number, end: AttemptEnd): void;
  /** A body that had been given up has ended. */
  bodyEnded(id: JobNumber): void;
  /** A handler held the loop in one go, up to its first await. */
  blocked(task: string, id: JobNumber, blockedMs: number): void;
}

/**
 * `over`: it has ended. The last two are leaks, whose bodies may still run: given up at the
 * deadline, or because another attempt has the job.
 */
type Phase = "waiting" | "running" | "over" | "timedOut" | "revoked";

/** One attempt, from its arrival to the end of its body: one object, because there are so many. */
interface LoopAttempt {
  readonly body: TaskBody;
  readonly id: JobNumber;
  readonly token: number;
  readonly attempt: number;
  readonly payload: string;
  readonly extra: string | null;
  /** Both made when it starts. */
  context: AttemptContext | undefined;
  slot: Slot | undefined;
  phase: Phase;
}

/**
 * A place for one handler at a time. What waits for the handler's promise belongs to the slot, not
 * to each attempt: two closures less a job. A slot whose body was given up is not used again.
 */
interface Slot {
  attempt: LoopAttempt | undefined;
  readonly onValue: (value: unknown) => void;
  readonly onError: (error: unknown) => void;
}

/** Starts between two looks at the clock. */
const STARTS_PER_LOOK = 8;

export class LoopRunner {
  readonly #slots: number;
  readonly #tasks: ReadonlyMap<string, TaskBody>;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #reports: LoopReports;
  readonly #link: AttemptLink;
  readonly #running = new NumberMap<LoopAttempt>();
  readonly #deadlines = new DeadlineLanes<LoopAttempt>(({ phase }) => phase !== "running");
  readonly #current = new AsyncLocalStorage<LoopAttempt>();
  /** Calls in the context of whoever made the runner, and leaves none behind. */
  readonly #inOwnContext = AsyncLocalStorage.snapshot();
  readonly #freeSlots: Slot[] = [];
  /** Attempts that wait for other jobs and lend their slots, by how many they wait for. */
  readonly #lent = new Map<JobNumber, number>();
  #waiting = new Fifo<LoopAttempt>();
  /** Bodies that were given up and have not ended. */
  readonly #leaked = new Set<LoopAttempt>();
  /** Some of those that ended since the last beat. */
  readonly #endedLately: LoopAttempt[] = [];
  #turnStart: MonotonicMs = 0;
  #isPumping = false;
  #timer: { readonly timer: Timer; readonly at: MonotonicMs } | undefined;

  constructor(options: {
    readonly slots: number;
    readonly tasks: ReadonlyMap<string, TaskBody>;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly reports: LoopReports;
    readonly link: AttemptLink;
  }) {
    this.#slots = options.slots;
    this.#tasks = options.tasks;
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#reports = options.reports;
    this.#link = options.link;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** Bodies that were given up and have not ended. */
  get leakedCount(): number {
    return this.#leaked.size;
  }

  /** Attempts that run or wait here, for an engine that must adopt them. */
  held(): readonly (Lease & {
    readonly task: string;
    readonly queue: string;
    readonly attempt: number;
  })[] {
    return [...this.#running.values(), ...this.#waiting].map(({ id, token, attempt, body }) => ({
      ...{ id, token, attempt },
      task: body.facts.name,
      queue: body.facts.queue,
    }));
  }

  /** The job whose code runs at this moment, also after an `await`; for the watchdog's question. */
  currentJob(): { readonly task: string; readonly id: JobNumber } | undefined {
    const running = this.#current.getStore();
    // What this runner does at the end of a handler, timers included, is still in its context.
    if (running === undefined || running.phase === "over") return undefined;
    return { task: running.body.facts.name, id: running.id };
  }

  /** Handlers that may have run after an await since the last beat. */
  underWay(): readonly { readonly task: string; readonly id: JobNumber }[] {
    const begun = [...this.#running.values()].filter(({ slot }) => slot !== undefined);
    return [...this.#endedLately, ...begun, ...this.#leaked]
      .slice(0, BLOCK_CANDIDATES_MAX)
      .map(({ body, id }) => ({ task: body.facts.name, id }));
  }

  beat(): void {
    this.#endedLately.length = 0;
  }

  take(columns: readonly AttemptColumns[]): void {
    for (const { task, ids, tokens, attempts, payloads, extras } of columns) {
      const body = this.#tasks.get(task);
      for (let index = 0; index < ids.length; index++) {
        const id = ids[index] ?? 0;
        const token = tokens[index] ?? 0;
        if (body === undefined) {
          this.#reports.ended(id, token, { kind: "unstarted" });
          continue;
        }
        const attempt = (attempts[index] ?? 0) + 1;
        const payload = payloads[index] ?? "null";
        const phase = "waiting";
        this.#waiting.push({
          body,
          id,
          token,
          attempt,
          payload,
          extra: extras?.[index] ?? null,
          context: undefined,
          slot: undefined,
          phase,
        });
      }
    }
    this.#newTurn();
  }

  /** These attempts no longer count. */
  abort(leases: readonly Lease[], reason: AbortReason): void {
    for (const { id, token } of leases) {
      const running = this.#running.get(id);
      if (running?.token === token) this.#leak(running, "revoked", abortError(reason, id));
    }
    const aborted = new Map(leases.map(({ id, token }) => [id, token]));
    const left = new Fifo<LoopAttempt>();
    for (const waiting of this.#waiting) {
      if (aborted.get(waiting.id) !== waiting.token) left.push(waiting);
    }
    this.#waiting = left;
    this.#newTurn();
  }

  /** Lets another attempt run while this one waits for it. Call what it answers when the wait is over. */
  lend({ id, token }: Lease): () => void {
    const isRunning = (): boolean => this.#running.get(id)?.token === token;
    if (!isRunning()) return () => undefined;
    this.#lent.set(id, (this.#lent.get(id) ?? 0) + 1);
    this.#next();
    return () => {
      const count = this.#lent.get(id) ?? 0;
      if (!isRunning() || count === 0) return;
      if (count === 1) this.#lent.delete(id);
      else this.#lent.set(id, count - 1);
    };
  }

  get #hasSlot(): boolean {
    return this.#running.size - this.#lent.size < this.#slots;
  }

  /** Gives back what has not begun. */
  giveBack(): void {
    for (const { id, token } of this.#waiting) {
      this.#reports.ended(id, token, { kind: "unstarted" });
    }
    this.#waiting = new Fifo();
  }

  /** Watches no deadline any more: what its bodies still do concerns nobody. */
  stop(): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
  }

  #newTurn(): void {
    this.#turnStart = this.#clock.now();
    this.#pump();
  }

  /** Starts what has a slot, until the turn's time is over; then goes on in the next turn. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    let starts = 0;
    while (this.#waiting.size > 0 && this.#hasSlot) {
      if (++starts % STARTS_PER_LOOK === 0 && this.#isTurnOver()) break;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#start(next);
    }
    this.#isPumping = false;
    if (this.#waiting.size > 0 && this.#hasSlot) this.#pumpLater();
  }

  #isTurnOver(): boolean {
    return this.#clock.now() - this.#turnStart > LOOP_TURN_MS_MAX;
  }

  #isLaterDue = false;

  #pumpLater(): void {
    if (this.#isLaterDue) return;
    this.#isLaterDue = true;
    this.#timers.soon(() => {
      this.#isLaterDue = false;
      this.#newTurn();
    });
  }

  #start(running: LoopAttempt): void {
    const { body, id, token, attempt, extra } = running;
    const { name: task, timeoutMs } = body.facts;
    const startedAt = this.#clock.now();
    const deadlineAt = Math.round(this.#clock.wallNow() + timeoutMs);
    const facts = { id, token, attempt, task, deadlineAt, extra };
    const context = new AttemptContext(facts, this.#link);
    running.context = context;
    running.phase = "running";
    this.#running.set(id, running);
    this.#deadlines.add(running, timeoutMs, startedAt);
    this.#armTimer(startedAt + timeoutMs);
    try {
      const value = this.#inOwnContext(this.#call, running, context);
      if (running.slot === undefined) this.#returned(running, value);
    } catch (error) {
      this.#threw(running, error);
    }
    const blockedMs = this.#clock.now() - startedAt;
    if (blockedMs > LOOP_BLOCKED_MS) this.#reports.blocked(task, id, blockedMs);
  }

  #newSlot(): Slot {
    const slot: Slot = {
      attempt: undefined,
      onValue: (value) => {
        const { attempt } = slot;
        if (attempt !== undefined) this.#returned(attempt, value);
      },
      onError: (error) => {
        const { attempt } = slot;
        if (attempt !== undefined) this.#threw(attempt, error);
      },
    };
    return slot;
  }

  /**
   * `run` would make a context to come back to as well, a Map of garbage for each job. The end of
   * the handler's promise is in its context too: a block at its very end is seen there.
   */
  readonly #call = (running: LoopAttempt, context: AttemptContext): unknown => {
    this.#current.enterWith(running);
    const value = callHandler(running.body, running.payload, context);
    if (!isThenable(value)) return value;
    const slot = this.#freeSlots.pop() ?? this.#newSlot();
    slot.attempt = running;
    running.slot = slot;
    value.then(slot.onValue, slot.onError);
    return undefined;
  };

  #returned(running: LoopAttempt, value: unknown): void {
    if (!this.#isFirstEnd(running)) return;
    const { id, token } = running;
    if (value === undefined) this.#reports.returned(id, token, null);
    else this.#reportValue(running, value);
    this.#next();
  }

  #reportValue({ id, token }: LoopAttempt, value: unknown): void {
    const end = endOfValue(value, formatJobId(id));
    if (end.kind === "returned" && end.problem === null)
      this.#reports.returned(id, token, end.result);
    else this.#reports.ended(id, token, end);
  }

  #threw(running: LoopAttempt, error: unknown): void {
    if (!this.#isFirstEnd(running)) return;
    this.#reports.ended(running.id, running.token, endOfError(error));
    this.#next();
  }

  /** False when the attempt had been given up: then only its body has ended. */
  #isFirstEnd(running: LoopAttempt): boolean {
    const { phase, id } = running;
    running.phase = "over";
    if (phase === "timedOut" || phase === "revoked") this.#leaked.delete(running);
    if (phase === "timedOut") this.#reports.bodyEnded(id);
    const { slot } = running;
    if (slot !== undefined) {
      slot.attempt = undefined;
      if (this.#endedLately.length < BLOCK_CANDIDATES_MAX) this.#endedLately.push(running);
    }
    if (phase !== "running") return false;
    if (slot !== undefined) this.#freeSlots.push(slot);
    this.#running.delete(id);
    if (this.#lent.size > 0) this.#lent.delete(id);
    return true;
  }

  /** A slot is free. Goes on at once while the turn lasts, so that short jobs need no turn each. */
  #next(): void {
    if (this.#isPumping || this.#waiting.size === 0) return;
    if (this.#isTurnOver()) this.#pumpLater();
    else this.#pump();
  }

  #leak(running: LoopAttempt, phase: "timedOut" | "revoked", reason: Error): void {
    running.phase = phase;
    this.#leaked.add(running);
    this.#running.delete(running.id);
    this.#lent.delete(running.id);
    running.context?.revoke(reason);
  }

  #armTimer(at: MonotonicMs): void {
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    this.#timer?.timer.cancel();
    const delayMs = Math.ceil(Math.max(0, at - this.#clock.now()));
    const timer = this.#timers.after(delayMs, () => this.#onDeadline());
    this.#timer = { timer, at };
  }

  #onDeadline(): void {
    this.#timer = undefined;
    for (const running of this.#deadlines.due(this.#clock.now())) {
      const { id, token, body } = running;
      const { name: task, timeoutMs } = body.facts;
      const error = new UnjamError("UNJAM_ATTEMPT_TIMEOUT", { task, timeoutMs, runs: "loop" });
      this.#leak(running, "timedOut", error);
      const text = JSON.stringify(toErrorRecord(error));
      this.#reports.ended(id, token, { kind: "timedOut", error: text, bodyRunsOn: true });
    }
    const next = this.#deadlines.nextAt();
    if (next !== null) this.#armTimer(next);
    this.#newTurn();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value instanceof Promise ||
    (typeof value === "object" &&
      value !== null &&
      "then" in value &&
      typeof value.then === "function")
  );
}
