/**
 * The threads of one pool, as the supervisor keeps them. The supervisor does nothing that blocks
 * and is their parent, so that deadlines hold whatever main and the threads do.
 *
 * It learns what runs from the threads' boards, which it looks at every POOL_TICK_MS while calls
 * are under way: a message per call would cost more than the call. At each look it takes the steps
 * of the kill ladder that are due. A call that has heard that it is to stop gives its place away,
 * because its caller has been answered and the next one waits.
 */
import type { Clock, MonotonicMs, Timers } from "../../core/clock.ts";
import { invariant } from "../../core/invariant.ts";
import {
  POOL_REST_MS,
  POOL_TICK_MS,
  POOL_UNRESPONSIVE_MS,
  TERMINATE_MS_MAX,
} from "../../core/limits.ts";
import { AWAITING, type Whereabouts } from "../../core/whereabouts.ts";
import { Crew, type CrewMember, type Role } from "../crew.ts";
import { climb, type RunFacts } from "../kill-ladder.ts";
import { type Death, Restarts } from "../restarts.ts";
import { type SlotThread, ThreadSlot } from "../thread-slot.ts";
import type {
  FromCrew,
  FromPoolThread,
  StopReason,
  ToCrew,
  ToPoolThread,
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

/** The running call, by the count of calls begun, which unlike its number never comes again. */
interface Work {
  readonly id: number;
  readonly begun: number;
  toldAt: MonotonicMs | null;
  inquiry: RunFacts["inquiry"];
}

/** A spare is unknown to the pool. */
interface Member extends CrewMember {
  readonly started: StartedThread;
  readonly slot: ThreadSlot<FromPoolThread, ToPoolThread>;
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
  readonly #restarts: Restarts;
  readonly #crew: Crew<Member>;
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
    this.#restarts = new Restarts(options.clock);
    this.#crew = new Crew(options.timers, (role) => this.#newMember(role));
  }

  receive(message: ToCrew): void {
    switch (message.type) {
      case "want":
        this.#want = message.threads;
        this.#fill();
        return;
      case "retire": {
        const member = this.#crew.get(message.thread);
        if (member !== undefined) this.#crew.dismiss(member);
        return;
      }
      case "stop": {
        const member = this.#crew.get(message.thread);
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
    const bound = Promise.withResolvers<void>();
    this.#timers.after(TERMINATE_MS_MAX, bound.resolve);
    await Promise.race([this.#crew.close(), bound.promise]);
    this.#send({ type: "closed" });
  }

  /** Starts threads, warm spares first, until there are as many as wanted. */
  #fill(): void {
    while (this.#state === "open" && this.#crew.count("member") < this.#want) {
      this.#announce(this.#crew.enlist());
    }
  }

  #newMember(role: Role): Member {
    const number = ++this.#lastNumber;
    const started = this.#start(number);
    const slot = new ThreadSlot<FromPoolThread, ToPoolThread>(started.thread, {
      message: (message) => this.#message(member, message),
      // Whoever listens to a pool's module does so by a port of his own.
      stray: () => undefined,
      gone: (reason) => this.#gone(member, reason),
    });
    const member: Member = {
      ...{ number, started, slot, role, names: null, work: null, deafSince: 0 },
    };
    return member;
  }

  #message(member: Member, message: FromPoolThread): void {
    if (message.type === "ready") {
      member.slot.ready();
      member.names = message.names;
      this.#announce(member);
      return;
    }
    this.#crew.dismiss(member);
    // A module that fails will most likely fail again: the next call asks for a thread anew.
    this.#want = 0;
    this.#mayRestart("under nothing", message.error.message);
    this.#send({ type: "failed", error: message.error });
  }

  #announce({ role, names, started }: Member): void {
    if (role === "member" && names !== null) started.handOver(names);
  }

  /** Looks at all boards, now and again until nothing has been under way for a while. */
  #tick(): void {
    if (this.#state === "closed" || Atomics.load(this.#watching, 0) === 0) return;
    const now = this.#clock.now();
    for (const member of this.#crew.all) this.#look(member, now);
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
    for (const { started, work } of this.#crew.all) {
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
      member.work = { id, begun, toldAt: null, inquiry: "open" };
    }
    if (member.work !== null) this.#climb(member, member.work);
  }

  /** The running call has ended; a thread whose place is taken has then done its last. */
  #over(member: Member): void {
    member.work = null;
    if (member.slot.state === "busy" || member.slot.state === "aborting") member.slot.finish();
    if (member.role !== "leaving") return;
    this.#send({ type: "gone", thread: member.number, reason: "it was replaced" });
    this.#crew.dismiss(member);
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

  #climb(member: Member, work: Work): void {
    climb(this.#clock, {
      facts: () => this.#factsOf(member, work),
      warm: () => this.#crew.warm(),
      tell: () => this.#tell(member, work, "timeout"),
      locate: () => this.#locate(member, work),
      replace: () => this.#replace(member),
      end: () => this.#endRunning(member, work),
    });
  }

  #factsOf({ started: { board }, role }: Member, { id, toldAt, inquiry }: Work): RunFacts {
    return {
      startedAt: board.cells[CELL.startedAt] ?? 0,
      deadlineAt: board.cells[CELL.deadlineAt] ?? 0,
      hasHeard: Atomics.load(board.words, WORD.abortHeard) === id + 1,
      ...{ toldAt, inquiry, isReplaced: role === "leaving", keepsPlace: false },
      lacksSpare: this.#state === "open" && this.#crew.count("spare") === 0,
    };
  }

  #stop(member: Member, id: number, reason: StopReason): void {
    // It may have begun since the last look.
    if (member.work === null) this.#look(member, this.#clock.now());
    const { work } = member;
    if (work === null || work.id !== id || work.toldAt !== null) return;
    this.#tell(member, work, reason);
    this.#climb(member, work);
  }

  #tell({ slot }: Member, work: Work, reason: StopReason): void {
    work.toldAt = this.#clock.now();
    // Its caller has given up: nobody asks where it is.
    if (reason !== "timeout") work.inquiry = "over";
    slot.abort({ type: "abort", id: work.id, reason, pool: this.#name });
  }

  #locate(member: Member, work: Work): void {
    const say = (whereabouts: Whereabouts): void => {
      work.inquiry = "over";
      if (member.work !== work) return;
      this.#send({ type: "late", thread: member.number, id: work.id, whereabouts });
    };
    if (this.#factsOf(member, work).hasHeard) {
      say(AWAITING);
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
    member.work = null;
    this.#send({ type: "gone", thread: member.number, reason });
    this.#crew.end(member, { left: () => this.#countLeft(1), freed: () => this.#countLeft(-1) });
  }

  #countLeft(change: 1 | -1): void {
    this.#leftBehind += change;
    this.#send({ type: "leftBehind", count: this.#leftBehind });
  }

  /** A thread has died that nobody ended. */
  #gone(member: Member, reason: string): void {
    const { number, role, started } = member;
    if (!this.#crew.forget(member)) return;
    const hadCall = member.work !== null || started.board.running !== undefined;
    if (role !== "spare") this.#send({ type: "gone", thread: number, reason });
    // A call that ends its thread pays for it itself: it is not run again.
    const backOffMs = this.#mayRestart(hadCall ? "paid" : "under nothing", reason);
    if (backOffMs === 0) this.#fill();
    else if (backOffMs !== null)
      this.#timers.after(backOffMs, () => this.#fill(), { keepsAlive: true });
  }

  /** How long a successor has to wait, or `null` when there is to be none. */
  #mayRestart(death: Death, reason: string): number | null {
    invariant(this.#state !== "closed", "a closed crew has no threads to replace");
    const { isAllowed, count: restarts, backOffMs } = this.#restarts.died(death);
    if (isAllowed) return backOffMs;
    if (this.#state === "open") this.#send({ type: "broken", restarts, reason });
    this.#state = "broken";
    return null;
  }
}

function hasCalls({ words }: ThreadBoard): boolean {
  return Atomics.load(words, WORD.callsTail) !== Atomics.load(words, WORD.callsHead);
}
