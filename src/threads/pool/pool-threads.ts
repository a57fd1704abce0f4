/**
 * The threads of a pool as main sees them: how many there should be, which may be used, and which
 * are to be renewed or let go. What the supervisor says of them arrives here.
 */
import type { MonotonicMs, Timer } from "../../core/clock.ts";
import { fromErrorRecord } from "../../core/error-record.ts";
import { UnjamError } from "../../core/errors.ts";
import { RESTARTS_PER_MS } from "../../core/limits.ts";
import { RestartBudget } from "../../core/restart-budget.ts";
import type { Whereabouts } from "../../core/whereabouts.ts";
import { userFlags } from "../user-flags.ts";
import type { Call } from "./call.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { Lane } from "./lane.ts";
import type { CrewPlan, FromCrew, StopReason } from "./pool-messages.ts";
import type { PoolSettings } from "./pool-options.ts";
import { PastThreads } from "./pool-stats.ts";
import { type CrewLine, openCrew } from "./shared-supervisor.ts";
import { CELL, ThreadBoard } from "./thread-board.ts";

export interface ThreadsOwner {
  /** A thread may be used; `names` are the exports of the module. */
  ready(names: readonly string[]): void;
  late(call: Call, whereabouts: Whereabouts): void;
  /** Threads have come, gone or changed: calls may find room elsewhere. */
  changed(): void;
  /** No thread can be had: calls that wait for one fail with this. */
  failed(error: Error): void;
}

export class PoolThreads {
  readonly #settings: PoolSettings;
  readonly #dispatcher: Dispatcher;
  readonly #owner: ThreadsOwner;
  readonly #plan: CrewPlan;
  readonly #watching: Int32Array;
  readonly #budget = new RestartBudget();
  readonly past: PastThreads = new PastThreads();
  #line: CrewLine | undefined;
  #want = 0;
  #isHeld = false;
  #idleTimer: Timer | undefined;
  #onClosed: (() => void) | undefined;
  replaced = 0;
  leftBehind = 0;
  broken: UnjamError<"UNJAM_BROKEN"> | undefined;

  constructor(options: {
    readonly settings: PoolSettings;
    readonly dispatcher: Dispatcher;
    readonly owner: ThreadsOwner;
    readonly bell: SharedArrayBuffer;
  }) {
    const { settings } = options;
    this.#settings = settings;
    this.#dispatcher = options.dispatcher;
    this.#owner = options.owner;
    const watching = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#watching = new Int32Array(watching);
    this.#plan = {
      ...{ name: settings.name, module: settings.module, bell: options.bell, watching },
      resourceLimits: settings.resourceLimits,
      flags: userFlags(),
    };
  }

  get readyCount(): number {
    return this.#dispatcher.lanes.filter(({ isUsable }) => isUsable).length;
  }

  /** Asks for more threads when there are fewer than calls. */
  askFor(threads: number): void {
    const want = Math.min(threads, this.#settings.threads);
    if (want > this.#want) this.#wants(want);
  }

  #wants(threads: number): void {
    this.#want = threads;
    this.#crew().send({ type: "want", threads });
  }

  #crew(): CrewLine {
    this.#line ??= openCrew(this.#plan, {
      message: (message) => this.#receive(message),
      lost: () => this.#supervisorLost(),
    });
    return this.#line;
  }

  /** Whether calls are under way: the supervisor watches then, and the process stays open. */
  hold(isNeeded: boolean): void {
    if (this.#isHeld === isNeeded) return;
    this.#isHeld = isNeeded;
    this.#crew().hold(isNeeded);
  }

  /** Has the supervisor watch the threads, if it does not yet. */
  watch(): void {
    if (Atomics.load(this.#watching, 0) === 1) return;
    if (Atomics.exchange(this.#watching, 0, 1) === 0) this.#crew().send({ type: "watch" });
  }

  stop({ id, lane }: Call, reason: StopReason): void {
    if (lane !== undefined) this.#crew().send({ type: "stop", thread: lane.number, id, reason });
  }

  /** Ends all threads; resolves when they are ended, or cannot be. */
  async close(): Promise<void> {
    this.#idleTimer?.cancel();
    const line = this.#line;
    if (line === undefined) return;
    const closed = new Promise<void>((resolve) => (this.#onClosed = resolve));
    line.hold(true);
    line.send({ type: "close" });
    await closed;
  }

  #receive(message: FromCrew): void {
    switch (message.type) {
      case "ready":
        return this.#ready(message);
      case "replaced":
        this.replaced++;
        return this.#with(message.thread, (lane) => this.#leave(lane));
      case "late":
        return this.#with(message.thread, (lane) => {
          const call = this.#dispatcher.callOn(lane, message.id);
          if (call !== undefined) this.#owner.late(call, message.whereabouts);
        });
      case "gone":
        return this.#with(message.thread, (lane) => this.#lose(lane, message.reason));
      case "failed":
        this.#want = 0;
        return this.#owner.failed(fromErrorRecord(message.error));
      case "leftBehind":
        this.leftBehind = message.count;
        return;
      case "broken":
        return this.#break(message.restarts, message.reason);
      case "closed":
        this.#onClosed?.();
        return;
    }
  }

  #with(thread: number, act: (lane: Lane) => void): void {
    const lane = this.#dispatcher.lanes.find(({ number }) => number === thread);
    if (lane !== undefined) act(lane);
  }

  #ready({ thread, board, port, names }: FromCrew & { readonly type: "ready" }): void {
    const lane = new Lane({ number: thread, board: new ThreadBoard(board), port }, this.#now());
    this.#dispatcher.lanes.push(lane);
    const due = this.#dispatcher.lanes.find(({ state }) => state === "due");
    if (due !== undefined) due.state = "closing";
    this.#owner.ready(names);
    this.#watchIdle();
  }

  #now(): MonotonicMs {
    return this.#settings.ports.clock.now();
  }

  /** Another has its place: it keeps what it has begun. */
  #leave(lane: Lane): void {
    lane.state = "closing";
    this.#dispatcher.takeBack(lane);
    this.#owner.changed();
  }

  #lose(lane: Lane, reason: string): void {
    if (lane.state !== "closing") this.replaced++;
    this.#forget(lane);
    this.#dispatcher.lose(lane, reason, this.#now());
    this.#owner.changed();
  }

  #forget(lane: Lane): void {
    this.past.add(lane, this.#now());
  }

  /** Renews threads that have done or grown enough, and lets those go that have done their last. */
  tend(): void {
    const { renewCalls, renewHeapBytes } = this.#settings;
    for (const lane of [...this.#dispatcher.lanes]) {
      if (lane.state === "closing" && lane.inFlight === 0) this.#retire(lane);
      if (lane.state !== "open") continue;
      const heapBytes = lane.board.cells[CELL.heapBytes] ?? 0;
      if (lane.given < renewCalls && heapBytes <= renewHeapBytes) continue;
      // It goes on until another is ready, so that no capacity is missing meanwhile.
      lane.state = "due";
      this.#wants(this.#want + 1);
    }
  }

  /** Nothing runs on it. The crew wants one thread fewer then, unless another already counts for it. */
  #retire(lane: Lane): void {
    this.#forget(lane);
    this.#dispatcher.lose(lane, "it was renewed", this.#now());
    this.#crew().send({ type: "retire", thread: lane.number });
    this.#wants(Math.max(0, this.#want - 1));
    this.replaced++;
  }

  /** Ends threads above the least that have had nothing to do for a while. */
  #watchIdle(): void {
    const { idleMs, threadsMin, ports } = this.#settings;
    if (idleMs === Number.POSITIVE_INFINITY || this.#idleTimer !== undefined) return;
    if (this.#dispatcher.lanes.length <= threadsMin) return;
    this.#idleTimer = ports.timers.after(
      idleMs,
      () => {
        this.#idleTimer = undefined;
        const idleSince = this.#now() - idleMs;
        for (const lane of [...this.#dispatcher.lanes]) {
          const isIdle = lane.inFlight === 0 && lane.movedAt <= idleSince;
          if (isIdle && this.#want > threadsMin && lane.state === "open") {
            this.#retire(lane);
            this.replaced--;
          }
        }
        this.#watchIdle();
      },
      { repeats: true },
    );
  }

  #break(restarts: number, reason: string): void {
    const part = `a thread of pool "${this.#settings.name}"`;
    this.broken = new UnjamError("UNJAM_BROKEN", {
      part,
      restarts,
      perMs: RESTARTS_PER_MS,
      reason,
    });
    this.#owner.failed(this.broken);
  }

  /** All threads are gone with it. Another is started, within a budget. */
  #supervisorLost(): void {
    this.#line = undefined;
    this.#isHeld = false;
    this.#onClosed?.();
    Atomics.store(this.#watching, 0, 0);
    const reason = "the supervisor of the threads is gone";
    const want = this.#want;
    this.#want = 0;
    for (const lane of [...this.#dispatcher.lanes]) {
      this.#forget(lane);
      this.#dispatcher.lose(lane, reason, this.#now());
    }
    if (!this.#budget.take(this.#now())) this.#break(this.#budget.count, reason);
    else if (this.#onClosed === undefined) this.askFor(want);
    this.#owner.changed();
  }
}
