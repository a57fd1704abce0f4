/**
 * A pool on the calling side: admits calls, settles them, and keeps their deadlines while they
 * wait. Deadlines of calls that run are the supervisor's, which also acts while this loop is
 * blocked.
 *
 * Nothing here is touched before the caller's input was read: its getters may call the pool.
 */
import type { MonotonicMs, Timer, Timers } from "../../core/clock.ts";
import { UnjamError } from "../../core/errors.ts";
import { CALL_LATE_MS_MAX, POOL_GLANCE_MS, POOL_POLL_MS } from "../../core/limits.ts";
import type { Whereabouts } from "../../core/whereabouts.ts";
import { Call, type Target } from "./call.ts";
import { type ChangeWait, Changes } from "./changes.ts";
import { callLost, callTimeout, callUnknown, notCloneable } from "./call-errors.ts";
import { CallDeadlines } from "./call-deadlines.ts";
import { ANSWER_STATE } from "./call-loop.ts";
import { Dispatcher, NO_SUCH_EXPORT } from "./dispatcher.ts";
import { pack, packByPort } from "./packed.ts";
import type { StopReason } from "./pool-messages.ts";
import { type CallSettings, type PoolSettings, readCallOptions } from "./pool-options.ts";
import type { Ends, PoolStats } from "./pool-stats.ts";
import { PoolThreads } from "./pool-threads.ts";
import { WorthTrying } from "./worth-trying.ts";
import { thrownError, type ThrownRecord } from "./thrown.ts";

type Phase = "open" | "closing" | "closed";

export class PoolCore {
  readonly settings: PoolSettings;
  readonly threads: PoolThreads;
  readonly #now: () => MonotonicMs;
  readonly #timers: Timers;
  readonly #targets = new Map<string, Target>();
  readonly #deadlines = new CallDeadlines();
  readonly #dispatcher: Dispatcher;
  readonly #bell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #ends: Ends = { done: 0, failed: 0, timedOut: 0, aborted: 0, lost: 0, refused: 0 };
  #names: readonly string[] | undefined;
  #phase: Phase = "open";
  #unsettled = 0;
  #isFlushDue = false;
  #isListening = false;
  readonly #glances = new WorthTrying();
  #glanceUntil: MonotonicMs = 0;
  #deadlineTimer: Timer | undefined;
  #deadlineAt: MonotonicMs = Number.POSITIVE_INFINITY;
  #pollTimer: Timer | undefined;
  /** For those who wait for threads, or for the last call. */
  readonly #changes: Changes;
  #ended: Promise<void> | undefined;

  constructor(settings: PoolSettings) {
    this.settings = settings;
    this.#now = () => settings.ports.clock.now();
    this.#timers = settings.ports.timers;
    this.#changes = new Changes(settings.ports);
    this.#dispatcher = new Dispatcher({
      answered: (call, state, value) => this.#answered(call, state, value),
      failed: (call, reason) => this.#lost(call, reason),
      unknown: (call) => this.#unknown(call),
    });
    this.threads = new PoolThreads({
      ...{ settings, dispatcher: this.#dispatcher, bell: this.#bell.buffer },
      owner: {
        ready: (names) => this.#ready(names),
        late: (call, whereabouts) => this.#timedOut(call, whereabouts),
        changed: () => this.#moveOn(),
        failed: (error) => this.#failWaiting(error),
      },
    });
  }

  /** What an export is called by, made once for each name. */
  target(name: string): Target {
    const found = this.#targets.get(name);
    if (found !== undefined) return found;
    const target: Target = { name, index: this.#indexOf(name), estimateMs: undefined };
    this.#targets.set(name, target);
    return target;
  }

  #indexOf(name: string): number {
    if (this.#names === undefined) return -1;
    const index = this.#names.indexOf(name);
    return index < 0 ? NO_SUCH_EXPORT : index;
  }

  /** Rejects with what is documented at ThreadPool.call. */
  call(target: Target, input: unknown, options: unknown): Promise<unknown> {
    let call: Call;
    let settings: CallSettings;
    try {
      settings = readCallOptions(options, target.name);
      settings.signal?.throwIfAborted();
      this.#checkPhase();
      call = this.#read(target, input, settings);
      // The input's own code may have closed or filled the pool.
      this.#checkPhase();
      this.#checkCapacity();
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      call.resolve = resolve;
      call.reject = reject;
      this.#begin(call, settings.signal);
    });
  }

  #checkPhase(): void {
    const { name: pool } = this.settings;
    if (this.#phase !== "open") throw new UnjamError("UNJAM_POOL_CLOSED", { pool });
    const { broken } = this.threads;
    if (broken !== undefined) throw new UnjamError("UNJAM_BROKEN", broken.details);
  }

  #checkCapacity(): void {
    const { name: queue, capacity } = this.settings;
    if (this.#unsettled < capacity) return;
    this.#ends.refused++;
    throw new UnjamError("UNJAM_QUEUE_FULL", { queue, capacity, waitedMs: 0 });
  }

  #read(target: Target, input: unknown, { timeoutMs, transfer }: CallSettings): Call {
    const call = new Call(target, timeoutMs ?? this.settings.timeoutMs, this.#now());
    try {
      if (transfer === undefined || transfer.length === 0) {
        pack(input, call, this.#dispatcher.stages);
      } else packByPort(input, transfer, call);
    } catch (error) {
      throw notCloneable(call, { pool: this.settings.name, what: "input", error });
    }
    return call;
  }

  #begin(call: Call, signal: AbortSignal | undefined): void {
    if (this.#unsettled++ === 0) this.threads.hold(true);
    this.#deadlines.add(call, call.timeoutMs, call.calledAt);
    if (signal !== undefined) this.#listenTo(signal, call);
    if (call.target.index === NO_SUCH_EXPORT) {
      this.#unknown(call);
      return;
    }
    this.#dispatcher.add(call, call.calledAt);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(this.#flush);
  }

  #listenTo(signal: AbortSignal, call: Call): void {
    const abort = (): void => this.#stop(call, "aborted", signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    call.unlisten = () => signal.removeEventListener("abort", abort);
  }

  /** What was called in this turn goes to the threads together. */
  readonly #flush = (): void => {
    this.#isFlushDue = false;
    this.#dispatcher.flush();
    this.#keepDeadlines();
    if (this.#unsettled === 0) return;
    const { waiting, lanes } = this.#dispatcher;
    if (waiting > 0) this.threads.askFor(lanes.length + waiting);
    this.threads.watch();
    this.#listen();
    this.#poll();
  };

  /** Waits for answers, unless it does so already. */
  #listen(): void {
    if (this.#isListening || this.#unsettled === 0) return;
    this.#isListening = true;
    // To be waked costs both sides more than a short call: look a few times, a turn of the loop each.
    if (!this.#dispatcher.isSoon || !this.#glances.isWorthIt()) return this.#awaitBell();
    this.#glanceUntil = this.#now() + POOL_GLANCE_MS;
    this.#timers.soon(this.#glance);
  }

  readonly #glance = (): void => {
    if (this.#dispatcher.hasAnswers) {
      this.#glances.succeeded();
      this.#onBell();
    } else if (this.#now() < this.#glanceUntil) this.#timers.soon(this.#glance);
    else {
      this.#glances.failed();
      this.#awaitBell();
    }
  };

  #awaitBell(): void {
    Atomics.store(this.#bell, 0, 1);
    if (this.#dispatcher.hasAnswers) {
      // In a turn of its own: a stream of answers must not keep the loop from everything else.
      this.#timers.soon(this.#onBell);
      return;
    }
    const wait = Atomics.waitAsync(this.#bell, 0, 1);
    if (wait.async) void wait.value.then(this.#onBell);
    else this.#timers.soon(this.#onBell);
  }

  readonly #onBell = (): void => {
    this.#isListening = false;
    Atomics.store(this.#bell, 0, 0);
    this.#moveOn();
  };

  /** Reads what was answered, and gives threads what they have room for. */
  #moveOn(): void {
    const now = this.#now();
    this.#dispatcher.drain(now);
    this.#dispatcher.refill(now);
    this.threads.tend();
    this.#flush();
    this.#changes.tell();
  }

  /**
   * While calls wait, in line or on a thread behind another: one that takes long must not hold back
   * the answers before it, for which no bell was rung, nor the calls behind it.
   */
  #poll(): void {
    const { isAhead, waiting } = this.#dispatcher;
    if (this.#pollTimer !== undefined || (!isAhead && waiting === 0)) return;
    this.#pollTimer = this.#timers.after(POOL_POLL_MS, this.#onPoll, { repeats: true });
  }

  readonly #onPoll = (): void => {
    this.#pollTimer = undefined;
    const now = this.#now();
    this.#dispatcher.drain(now);
    this.#dispatcher.takeBackStalled(now);
    this.#moveOn();
  };

  #keepDeadlines(): void {
    const at = this.#deadlines.nextAt() ?? Number.POSITIVE_INFINITY;
    if (at >= this.#deadlineAt) return;
    this.#deadlineTimer?.cancel();
    this.#deadlineAt = at;
    this.#deadlineTimer = this.#timers.after(at - this.#now(), this.#onDeadline);
  }

  readonly #onDeadline = (): void => {
    this.#deadlineAt = Number.POSITIVE_INFINITY;
    const now = this.#now();
    // Answers that were there in time count, also when this loop was late to read them.
    this.#dispatcher.drain(now);
    for (const call of this.#deadlines.due(now)) {
      if (call.isSettled) continue;
      if (call.isLate || this.#dispatcher.withdraw(call)) {
        this.#timedOut(call, null);
      } else {
        // It runs: the supervisor says where it is, soon.
        call.isLate = true;
        this.#deadlines.add(call, CALL_LATE_MS_MAX, now);
      }
    }
    this.#dispatcher.sweep();
    this.#moveOn();
  };

  #ready(names: readonly string[]): void {
    this.#names = names;
    for (const target of this.#targets.values()) target.index = this.#indexOf(target.name);
    this.#moveOn();
  }

  #answered(call: Call, state: number, value: unknown): void {
    if (state === ANSWER_STATE.returned) {
      this.#settle(call, "done");
      call.resolve(value);
      return;
    }
    const error = state === ANSWER_STATE.threwValue ? value : this.#errorOf(call, value);
    // What a function throws once it was told to stop is its way of stopping.
    if (this.#now() >= call.deadlineAt) {
      this.#timedOut(call, { native: false, isAwaiting: true, stack: null }, error);
      return;
    }
    this.#settle(call, "failed");
    call.reject(error);
  }

  #errorOf(call: Call, thrown: unknown): Error {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by thrownRecord in the thread.
    const record = thrown as ThrownRecord;
    const error = thrownError(record);
    return record.isUnclonable
      ? notCloneable(call, { pool: this.settings.name, what: "result", error })
      : error;
  }

  #lost(call: Call, reason: string): void {
    this.#settle(call, "lost");
    call.reject(callLost(call, this.settings.name, reason));
  }

  #unknown(call: Call): void {
    this.#settle(call, "failed");
    call.reject(callUnknown(call, this.settings.name, this.#names ?? []));
  }

  #timedOut(call: Call, stuck: Whereabouts | null, cause?: unknown): void {
    if (call.isSettled) return;
    const error = callTimeout(call, { pool: this.settings.name, stuck, now: this.#now(), cause });
    this.#settle(call, "timedOut");
    call.reject(error);
  }

  /** Ends a call for its caller, and tells the thread when it runs. */
  #stop(call: Call, reason: StopReason, error: unknown): void {
    if (call.isSettled) return;
    if (!this.#dispatcher.withdraw(call)) this.threads.stop(call, reason);
    this.#settle(call, "aborted");
    call.reject(error);
  }

  #settle(call: Call, end: keyof Ends): void {
    call.isSettled = true;
    this.#ends[end]++;
    this.#deadlines.remove(call);
    call.unlisten?.();
    call.unlisten = undefined;
    if (--this.#unsettled > 0) return;
    this.threads.hold(false);
    this.#changes.tell();
  }

  /** No thread can be had. Calls that have one already are not concerned. */
  #failWaiting(cause: Error): void {
    const { name: pool, module: url } = this.settings;
    const details = { pool, url, reason: cause.message };
    const error =
      cause === this.threads.broken
        ? cause
        : new UnjamError("UNJAM_POOL_MODULE_FAILED", details, { cause });
    for (const call of [...this.#dispatcher.unsettled()]) {
      if (call.lane !== undefined) continue;
      this.#dispatcher.withdraw(call);
      this.#settle(call, "lost");
      call.reject(error);
    }
    this.#changes.tell(error);
  }

  /** Starts threads until there are so many, and waits for them until then. Answers how many there are. */
  async warmUp(threads: number, wait: ChangeWait): Promise<number> {
    this.#checkPhase();
    this.threads.askFor(threads);
    while (this.threads.readyCount < threads && this.#now() < wait.until) {
      await this.#changes.next(wait);
      this.#checkPhase();
    }
    return this.threads.readyCount;
  }

  /** Refuses calls, waits until then for those that there are, ends the rest and all threads. */
  async close(until: MonotonicMs): Promise<void> {
    if (this.#phase === "open") this.#phase = "closing";
    while (this.#phase === "closing" && this.#unsettled > 0 && this.#now() < until) {
      await this.#changes.next({ until });
    }
    await this.end();
  }

  /** Ends all calls and threads at once. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  #end(): Promise<void> {
    this.#phase = "closed";
    const { name: pool } = this.settings;
    for (const call of [...this.#dispatcher.unsettled()]) {
      this.#dispatcher.withdraw(call);
      this.#settle(call, "aborted");
      call.reject(new UnjamError("UNJAM_POOL_CLOSED", { pool }));
    }
    this.#deadlineTimer?.cancel();
    this.#pollTimer?.cancel();
    // Lets go of the promise that waits for the bell, which holds this pool.
    Atomics.store(this.#bell, 0, 0);
    Atomics.notify(this.#bell, 0);
    this.#changes.tell();
    return this.threads.close();
  }

  stats(): PoolStats {
    const { waiting, placed, lanes } = this.#dispatcher;
    const { readyCount, replaced, leftBehind, past } = this.threads;
    return {
      ...{ name: this.settings.name, threads: readyCount, waiting, placed },
      ...this.#ends,
      ...{ replaced, leftBehind },
      ...past.total(lanes, this.#now()),
    };
  }
}
