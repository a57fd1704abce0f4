/**
 * The threads of one pool, as the supervisor keeps them. The supervisor does nothing that blocks
 * and is their parent, so that deadlines hold whatever main and the threads do.
 *
 * It learns what runs from the threads' boards, which it looks at every POOL_TICK_MS while calls
 * are under way: a message per call would cost more than the call. The ladder of a call: at
 * SPARE_AT_FRACTION of its time, and SPARE_LEAD_MS before its end at the latest, a spare thread is
 * warmed; at the deadline it is told to stop, and when its loop has not heard that by the next look,
 * the thread is asked where it is; after ABORT_ACK_MS the spare takes its place, and a thread whose
 * loop is blocked is ended; one that has heard gets ABORT_GRACE_MS to clean up.
 */
import type { Clock, MonotonicMs, Timers } from "../../core/clock.ts";
import { invariant } from "../../core/invariant.ts";
import {
  ABORT_ACK_MS,
  ABORT_GRACE_MS,
  POOL_REST_MS,
  POOL_TICK_MS,
  POOL_UNRESPONSIVE_MS,
  SPARE_AT_FRACTION,
  SPARE_LEAD_MS,
  TERMINATE_MS_MAX,
} from "../../core/limits.ts";
import { RestartBudget } from "../../core/restart-budget.ts";
import { type SlotThread, ThreadSlot } from "../thread-slot.ts";
import type {
  FromCrew,
  FromPoolThread,
  StopReason,
  ToCrew,
  ToPoolThread,
  Whereabouts,
} from "./pool-messages.ts";
import { CELL, type ThreadBoard, WORD } from "./thread-board.ts";

/** A thread that was started, and what main needs to talk to it. */
export interface StartedThread {
  readonly thread: SlotThread<FromPoolThread, ToPoolThread>;
  readonly board: ThreadBoard;
  /** Tells the pool that it may be used. */
  readonly handOver: (names: readonly string[]) => void;
  /** Where its code is. Always ends, soon. */
  readonly locate: () => Promise<Whereabouts>;
}

/** `spare`: warm, and unknown to the pool. `leaving`: another has its place. */
type Role = "member" | "spare" | "leaving";

/** The running call, by the count of calls begun, which unlike its number never comes again. */
interface Work {
  readonly id: number;
  readonly begun: number;
  stopping: StopReason | null;
  toldAt: MonotonicMs;
  /** Whether its whereabouts are known, being asked for, or not of interest. */
  inquiry: "none" | "asked" | "over";
}

interface Member {
  readonly number: number;
  readonly started: StartedThread;
  readonly slot: ThreadSlot<FromPoolThread, ToPoolThread>;
  role: Role;
  names: readonly string[] | null;
  work: Work | null;
  /** When a call was seen waiting here that the thread did not take; 0 while none is. */
  deafSince: MonotonicMs;
}

export class PoolCrew {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #start: (number: number) => StartedThread;
  readonly #send: (message: FromCrew) => void;
  readonly #watching: Int32Array;
  readonly #budget = new RestartBudget();
  readonly #members = new Map<number, Member>();
  #want = 0;
  #lastNumber = 0;
  #leftBehind = 0;
  #restingSince: MonotonicMs = 0;
  #state: "open" | "broken" | "closed" = "open";

  constructor(options: {
    readonly name: string;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly start: (number: number) => StartedThread;
    readonly send: (message: FromCrew) => void;
    readonly watching: SharedArrayBuffer;
  }) {
    this.#name = options.name;
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#start = options.start;
    this.#send = options.send;
    this.#watching = new Int32Array(options.watching);
  }

  receive(message: ToCrew): void {
    switch (message.type) {
      case "want":
        this.#want = message.threads;
        this.#fill();
        return;
      case "retire":
        this.#retire(message.thread);
        return;
      case "stop": {
        const member = this.#members.get(message.thread);
        if (member !== undefined) this.#stop(member, message.id, message.reason);
        return;
      }
      case "watch":
        this.#restingSince = 0;
        this.#tick();
        return;
      case "close":
        void this.#close();
        return;
    }
  }

  async #close(): Promise<void> {
    this.#state = "closed";
    const members = [...this.#members.values()];
    this.#members.clear();
    const bound = Promise.withResolvers<void>();
    this.#timers.after(TERMINATE_MS_MAX, bound.resolve);
    await Promise.race([Promise.all(members.map(({ slot }) => slot.end())), bound.promise]);
    this.#send({ type: "closed" });
  }

  /** Starts threads, warm spares first, until there are as many as wanted. */
  #fill(): void {
    while (this.#state === "open" && this.#count("member") < this.#want) {
      const member = this.#spare() ?? this.#hire("spare");
      member.role = "member";
      this.#announce(member);
    }
  }

  #count(role: Role): number {
    let count = 0;
    for (const member of this.#members.values()) if (member.role === role) count++;
    return count;
  }

  #spare(): Member | undefined {
    const spares = [...this.#members.values()].filter(({ role }) => role === "spare");
    return spares.find(({ names }) => names !== null) ?? spares[0];
  }

  #hire(role: Role): Member {
    const number = ++this.#lastNumber;
    const started = this.#start(number);
    const member: Member = {
      ...{ number, started, role, names: null, work: null, deafSince: 0 },
      slot: new ThreadSlot<FromPoolThread, ToPoolThread>(started.thread, {
        message: (message) => this.#message(member, message),
        // Whoever listens to a pool's module does so by a port of his own.
        stray: () => undefined,
        gone: (reason) => this.#gone(member, reason),
      }),
    };
    this.#members.set(number, member);
    return member;
  }

  #message(member: Member, message: FromPoolThread): void {
    if (message.type === "ready") {
      member.slot.ready();
      member.names = message.names;
      this.#announce(member);
      return;
    }
    this.#members.delete(member.number);
    void member.slot.end();
    // A module that fails will most likely fail again: the next call asks for a thread anew.
    this.#want = 0;
    this.#mayRestart(message.error.message);
    this.#send({ type: "failed", error: message.error });
  }

  #announce({ role, names, started }: Member): void {
    if (role === "member" && names !== null) started.handOver(names);
  }

  #retire(thread: number): void {
    const member = this.#members.get(thread);
    if (member === undefined) return;
    this.#members.delete(thread);
    void member.slot.end();
  }

  /** Looks at all boards, now and again until nothing has been under way for a while. */
  #tick(): void {
    if (this.#state === "closed" || Atomics.load(this.#watching, 0) === 0) return;
    const now = this.#clock.now();
    for (const member of this.#members.values()) this.#look(member, now);
    const isBusy = this.#isBusy();
    if (isBusy) this.#restingSince = 0;
    else if (this.#restingSince === 0) this.#restingSince = now;
    if (!isBusy && now - this.#restingSince >= POOL_REST_MS) {
      Atomics.store(this.#watching, 0, 0);
      // A call that was written before main saw the word: nobody would watch it.
      if (!this.#isBusy() || Atomics.exchange(this.#watching, 0, 1) === 1) return;
      this.#restingSince = 0;
    }
    this.#timers.after(POOL_TICK_MS, () => this.#tick(), { keepsAlive: true, repeats: true });
  }

  #isBusy(): boolean {
    for (const { started, work } of this.#members.values()) {
      if (work !== null || started.board.running !== undefined || hasCalls(started.board)) {
        return true;
      }
    }
    return false;
  }

  #look(member: Member, now: MonotonicMs): void {
    const { board } = member.started;
    const id = board.running;
    const begun = Atomics.load(board.words, WORD.begun);
    if (member.work !== null && (id === undefined || member.work.begun !== begun)) {
      this.#over(member);
    }
    if (id === undefined) {
      this.#lookIfDeaf(member, now);
      return;
    }
    member.deafSince = 0;
    // A thread's first call may have begun before its message that it is ready was read.
    if (member.work === null && member.slot.state === "idle") {
      member.slot.take();
      member.work = { id, begun, stopping: null, toldAt: 0, inquiry: "none" };
    }
    if (member.work !== null) this.#climb(member, member.work, now);
  }

  /** The running call has ended; a thread whose place is taken has then done its last. */
  #over(member: Member): void {
    member.work = null;
    if (member.slot.state === "busy" || member.slot.state === "aborting") member.slot.finish();
    if (member.role !== "leaving") return;
    this.#members.delete(member.number);
    this.#send({ type: "gone", thread: member.number, reason: "it was replaced" });
    void member.slot.end();
  }

  /** A loop that is blocked while no call runs: something that an earlier call left behind. */
  #lookIfDeaf(member: Member, now: MonotonicMs): void {
    if (member.slot.state !== "idle" || !hasCalls(member.started.board)) member.deafSince = 0;
    else if (member.deafSince === 0) member.deafSince = now;
    else if (now - member.deafSince > POOL_UNRESPONSIVE_MS) {
      this.#replace(member);
      this.#end(member, "its loop was blocked by code that no call was running");
    }
  }

  #climb(member: Member, work: Work, now: MonotonicMs): void {
    const { cells, words } = member.started.board;
    const deadlineAt = cells[CELL.deadlineAt] ?? 0;
    const startedAt = cells[CELL.startedAt] ?? 0;
    if (work.stopping === null) {
      const spareAt = Math.min(
        startedAt + SPARE_AT_FRACTION * (deadlineAt - startedAt),
        deadlineAt - SPARE_LEAD_MS,
      );
      if (now >= spareAt) this.#warm();
      if (now >= deadlineAt) this.#stop(member, work.id, "timeout");
      return;
    }
    const hasHeard = Atomics.load(words, WORD.abortHeard) === work.id + 1;
    if (work.inquiry === "none" && work.stopping === "timeout")
      this.#inquire(member, work, hasHeard);
    const sinceMs = now - work.toldAt;
    if (sinceMs < ABORT_ACK_MS) return;
    this.#replace(member);
    if (work.inquiry === "asked" || (hasHeard && sinceMs < ABORT_GRACE_MS)) return;
    this.#endRunning(member, work);
  }

  /** One spare, however many calls come near their deadlines. */
  #warm(): void {
    if (this.#state === "open" && this.#count("spare") === 0) this.#hire("spare");
  }

  #stop(member: Member, id: number, reason: StopReason): void {
    // It may have begun since the last look.
    if (member.work === null) this.#look(member, this.#clock.now());
    const { work, slot } = member;
    if (work === null || work.id !== id || work.stopping !== null) return;
    work.stopping = reason;
    work.toldAt = this.#clock.now();
    this.#warm();
    slot.abort({ type: "abort", id, reason, pool: this.#name });
  }

  #inquire(member: Member, work: Work, hasHeard: boolean): void {
    const say = (whereabouts: Whereabouts): void => {
      work.inquiry = "over";
      if (member.work !== work) return;
      this.#send({ type: "late", thread: member.number, id: work.id, whereabouts });
    };
    if (hasHeard) {
      say({ native: false, isAwaiting: true, stack: null });
      return;
    }
    work.inquiry = "asked";
    void member.started.locate().then(say);
  }

  /** Gives its place to another. What it has begun may go on. */
  #replace(member: Member): void {
    if (member.role !== "member") return;
    member.role = "leaving";
    this.#send({ type: "replaced", thread: member.number });
    this.#fill();
  }

  /** Ends a thread for its running call, unless that has ended just now. */
  #endRunning(member: Member, work: Work): void {
    const { board } = member.started;
    Atomics.store(board.words, WORD.stop, 1);
    const isStill =
      board.running === work.id && Atomics.load(board.words, WORD.begun) === work.begun;
    if (!isStill) {
      Atomics.store(board.words, WORD.stop, 0);
      board.wake();
      return;
    }
    this.#end(member, "it ran a call past its end");
  }

  #end(member: Member, reason: string): void {
    this.#members.delete(member.number);
    this.#send({ type: "gone", thread: member.number, reason });
    let isLeft = false;
    const timer = this.#timers.after(TERMINATE_MS_MAX, () => {
      isLeft = true;
      this.#countLeft(1);
    });
    void member.slot.end().then(() => {
      timer.cancel();
      if (isLeft) this.#countLeft(-1);
    });
  }

  #countLeft(change: 1 | -1): void {
    this.#leftBehind += change;
    this.#send({ type: "leftBehind", count: this.#leftBehind });
  }

  /** A thread has died that nobody ended. */
  #gone(member: Member, reason: string): void {
    const { number, role, started } = member;
    if (!this.#members.delete(number)) return;
    const hadCall = member.work !== null || started.board.running !== undefined;
    if (role !== "spare") this.#send({ type: "gone", thread: number, reason });
    // A call that ends its thread pays for it itself; the budget is for threads that just die.
    if (hadCall) this.#fill();
    else if (this.#mayRestart(reason)) {
      this.#timers.after(this.#budget.backOffMs(), () => this.#fill(), { keepsAlive: true });
    }
  }

  #mayRestart(reason: string): boolean {
    invariant(this.#state !== "closed", "a closed crew has no threads to replace");
    if (this.#budget.take(this.#clock.now())) return true;
    if (this.#state === "open") {
      this.#send({ type: "broken", restarts: this.#budget.count, reason });
    }
    this.#state = "broken";
    return false;
  }
}

function hasCalls({ words }: ThreadBoard): boolean {
  return Atomics.load(words, WORD.callsTail) !== Atomics.load(words, WORD.callsHead);
}
