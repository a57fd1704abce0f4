/**
 * The job threads, or the job processes, and what runs on them: one attempt on each, the rest in
 * line. Lives in the supervisor, which does nothing that blocks, so its deadlines hold whatever
 * the handlers do. What is said of threads here holds for child processes alike: they only differ
 * in how they are started and ended.
 *
 * The kill ladder of an attempt: near its deadline a spare thread is warmed; at the deadline the
 * handler is told to stop; a thread that does not even take the message is blocked and ended at
 * once, one that does gets ABORT_GRACE_MS. The spare takes the slot before the old thread is
 * ended, so that no capacity is missing while it dies. Only the guilty attempt pays: what waits in
 * line was never on the thread.
 *
 * A handler that waits for another job lends its slot: one more may run, but only a job that
 * somebody waits for. With any other in its place a row of parents would take the slots that their
 * children need. At most as many are lent as there are.
 */
import type { Clock, Timers } from "../core/clock.ts";
import { toErrorRecord } from "../core/error-record.ts";
import { invariant } from "../core/invariant.ts";
import type { ClaimedJob, Lease } from "../core/job.ts";
import {
  ABORT_ACK_MS,
  ABORT_GRACE_MS,
  SPARE_AT_FRACTION,
  TERMINATE_MS_MAX,
} from "../core/limits.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { CrewLane, TaskFacts } from "../core/task.ts";
import { type SlotThread, ThreadSlot } from "../threads/thread-slot.ts";
import { CrewLine } from "./crew-line.ts";
import {
  canSay,
  deathOf,
  freeSlots,
  lentCount,
  MADE_OF,
  type Member,
  standingCount,
  strayLine,
  timedOut,
  tooManyWait,
  type Work,
} from "./crew-member.ts";
import { CrewRestarts } from "./crew-restarts.ts";
import type { FromJobThread, ToJobThread } from "./job-thread-messages.ts";
import type { AbortReason, AwaitMessage, FromSupervisor, ToSupervisor } from "./messages.ts";

export class ThreadCrew {
  readonly #lane: CrewLane;
  readonly #size: number;
  readonly #tasks: ReadonlyMap<string, TaskFacts>;
  readonly #timers: Timers;
  readonly #spawn: (number: number) => SlotThread<FromJobThread, ToJobThread>;
  readonly #send: (message: FromSupervisor) => void;
  readonly #nextNumber: () => number;
  readonly #restarts: CrewRestarts;
  readonly #members = new Map<number, Member>();
  readonly #spares: Member[] = [];
  readonly #line = new CrewLine();
  #isClosed = false;

  constructor(options: {
    readonly lane: CrewLane;
    readonly size: number;
    readonly tasks: readonly TaskFacts[];
    readonly clock: Clock;
    readonly timers: Timers;
    readonly spawn: (number: number) => SlotThread<FromJobThread, ToJobThread>;
    /** A number that no member of any crew has had. */
    readonly nextNumber: () => number;
    readonly send: (message: FromSupervisor) => void;
  }) {
    this.#lane = options.lane;
    this.#nextNumber = options.nextNumber;
    this.#size = options.size;
    this.#tasks = new Map(options.tasks.map((facts) => [facts.name, facts]));
    this.#timers = options.timers;
    this.#spawn = options.spawn;
    this.#send = options.send;
    this.#restarts = new CrewRestarts(options);
  }

  /** Attempts that run or wait here. */
  held(): ClaimedJob[] {
    return [...this.#busy().map(({ work }) => work.job), ...this.#line.jobs];
  }

  receive(message: ToSupervisor): void {
    switch (message.type) {
      case "run":
        if (message.lane !== this.#lane) return;
        this.#line.push(message.jobs);
        if (this.#restarts.broken !== undefined) this.#giveBack();
        else this.#dispatch();
        return;
      case "abort":
        for (const lease of message.leases) this.#abort(lease, message.reason);
        return;
      case "giveBack":
        if (message.lane === this.#lane) this.#giveBack();
        return;
      case "warm":
        if (message.lane === this.#lane) this.#warm(message.count);
        return;
      case "preferred":
        this.#line.prefer(message.ids);
        this.#dispatch();
        return;
      case "awaited":
        this.#waitOver(message);
        return;
      case "added":
        this.#members.get(message.thread)?.slot.post(message);
        return;
    }
  }

  /** For an engine that takes over: waits of the handlers, who stands, and whether the crew is broken. */
  standing(): FromSupervisor[] {
    const waits = this.#busy().flatMap(({ number, waits: open }) =>
      [...open.values()].map((message) => ({ ...message, thread: number })),
    );
    const { broken } = this.#restarts;
    return [...(broken === undefined ? [] : [broken]), ...waits, ...this.#whoStands()];
  }

  /** Ends all threads. What they ran is the engine's to hand back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { work } of this.#busy()) work.timer.cancel();
    await Promise.all([...this.#members.values(), ...this.#spares].map(({ slot }) => slot.end()));
  }

  #busy(): (Member & { readonly work: Work })[] {
    return [...this.#members.values()].flatMap((member) =>
      member.work === null ? [] : [{ ...member, work: member.work }],
    );
  }

  /** Gives the first in line to idle threads, and starts threads while there is more than they can take. */
  #dispatch(): void {
    this.#startIdle();
    while (this.#isShort() && this.#hire()) this.#startIdle();
  }

  #startIdle(): void {
    for (const member of this.#members.values()) {
      if (member.slot.state !== "idle") continue;
      const job = this.#line.take(freeSlots(this.#size, this.#members.values()));
      if (job === undefined) return;
      this.#start(member, job);
    }
  }

  /** Whether one more thread would find work. */
  #isShort(): boolean {
    const members = [...this.#members.values()];
    const wanted = this.#line.wanted(freeSlots(this.#size, members));
    return members.filter(({ work }) => work === null).length < wanted;
  }

  /** So many jobs are there to be claimed once members stand for them. None: nobody need stand. */
  #warm(count: number): void {
    this.#line.expect(count);
    if (count === 0) {
      for (const member of this.#members.values())
        if (member.slot.state === "idle") this.#retire(member);
    }
    this.#dispatch();
  }

  #whoStands(): FromSupervisor[] {
    if (!MADE_OF[this.#lane].isUsedOnce) return [];
    const count = standingCount(this.#members.values());
    return [{ type: "standing", lane: this.#lane, count }];
  }

  /** Before what became of the job: the engine claims the next for who stands by then. */
  #sayStanding(): void {
    for (const message of this.#whoStands()) this.#send(message);
  }

  /** A warm spare if there is one, else a new thread. False when there are to be no more. */
  #hire(): boolean {
    if (this.#isClosed || this.#restarts.broken !== undefined) return false;
    const member = this.#spares.shift() ?? this.#newMember();
    this.#members.set(member.number, member);
    return true;
  }

  #newMember(): Member {
    const number = this.#nextNumber();
    const slot = new ThreadSlot<FromJobThread, ToJobThread>(this.#spawn(number), {
      message: (message) => this.#message(member, message),
      stray: () => this.#send({ type: "log", line: strayLine(this.#lane) }),
      gone: (reason) => this.#gone(member, reason),
    });
    const member: Member = { number, slot, work: null, lastWord: undefined, waits: new Map() };
    return member;
  }

  #start(member: Member, job: ClaimedJob): void {
    const facts = this.#tasks.get(job.task);
    invariant(facts !== undefined, `the supervisor was sent a job of a task "${job.task}"`);
    const timer = this.#timers.after(facts.timeoutMs * SPARE_AT_FRACTION, () =>
      this.#nearDeadline(member),
    );
    member.work = { job, facts, stopping: null, timer };
    member.slot.take({ type: "run", job });
  }

  #nearDeadline(member: Member): void {
    const { work } = member;
    if (work === null) return;
    const wantsSpare = this.#spares.length === 0 && !MADE_OF[this.#lane].isUsedOnce;
    if (wantsSpare && !this.#isClosed) this.#spares.push(this.#newMember());
    const leftMs = work.facts.timeoutMs * (1 - SPARE_AT_FRACTION);
    work.timer = this.#timers.after(leftMs, () => this.#tellToStop(member, "timeout"));
  }

  #tellToStop(member: Member, reason: AbortReason | "timeout"): void {
    const { work, slot } = member;
    if (work === null || work.stopping !== null || this.#isClosed) return;
    work.timer.cancel();
    work.stopping = reason;
    const { id, token } = work.job;
    slot.abort({ type: "abort", id, token, reason });
    work.timer = this.#timers.after(ABORT_ACK_MS, () => this.#replace(member));
  }

  #abort({ id, token }: Lease, reason: AbortReason): void {
    this.#line.drop({ id, token });
    for (const member of this.#members.values()) {
      const job = member.work?.job;
      if (job?.id === id && job.token === token) this.#tellToStop(member, reason);
    }
  }

  #giveBack(): void {
    const end = { kind: "unstarted" } as const;
    const ends = this.#line.takeAll().map(({ id, token }) => ({ id, token, end }));
    if (ends.length > 0) this.#send({ type: "ends", ends });
  }

  #message(member: Member, message: FromJobThread): void {
    if (!canSay(member, message)) {
      // Bytes of somebody else's, or a bug there: it pays with its thread, and the supervisor goes on.
      this.#gone(member, "it said what it cannot say");
      void member.slot.end();
      return;
    }
    switch (message.type) {
      case "ready":
        member.slot.ready();
        this.#sayStanding();
        this.#dispatch();
        return;
      case "aborting":
        this.#graceFor(member, message);
        return;
      case "end":
        this.#ended(member, message.end);
        return;
      case "add":
        this.#send({ ...message, thread: member.number, by: member.work?.job.id ?? null });
        return;
      case "progress":
        this.#send({ type: "progress", progress: [message] });
        return;
      case "log":
        this.#send(message);
        return;
      case "await":
        this.#wait(member, message);
        return;
      case "unawait":
        if (member.waits.delete(message.call)) this.#send({ ...message, thread: member.number });
        return;
      case "dying":
        member.lastWord = message.reason;
        return;
    }
  }

  /** Lends the member's slot, unless as many are lent as there are. */
  #wait(member: Member, message: AwaitMessage): void {
    if (member.waits.size === 0 && lentCount(this.#members.values()) >= this.#size) {
      const error = toErrorRecord(tooManyWait(this.#lane, this.#size));
      const outcome = { kind: "error", error } as const;
      member.slot.post({ type: "awaited", call: message.call, outcome });
      return;
    }
    member.waits.set(message.call, message);
    this.#send({ ...message, thread: member.number });
    this.#dispatch();
  }

  #waitOver({ thread, ...message }: ToSupervisor & { readonly type: "awaited" }): void {
    const member = this.#members.get(thread);
    if (member?.waits.delete(message.call) === true) member.slot.post(message);
  }

  #graceFor(member: Member, { id, token }: Lease): void {
    const { work } = member;
    if (work?.job.id !== id || work.job.token !== token) return;
    work.timer.cancel();
    work.timer = this.#timers.after(ABORT_GRACE_MS, () => this.#replace(member));
  }

  #ended(member: Member, end: AttemptEnd): void {
    const { work } = member;
    if (work === null) return;
    this.#restarts.cameThrough();
    work.timer.cancel();
    member.work = null;
    member.waits.clear();
    member.slot.finish();
    if (MADE_OF[this.#lane].isUsedOnce) this.#retire(member);
    else if (this.#members.size > this.#size + lentCount(this.#members.values()))
      this.#setAside(member);
    // What it throws after being told to stop is its way of stopping, not its own failure.
    if (work.stopping === "timeout" && end.kind === "threw")
      this.#report(work, timedOut(this.#lane, work));
    else if (work.stopping === null || work.stopping === "timeout") this.#report(work, end);
    this.#dispatch();
  }

  /** Not needed before a slot is lent again, which is soon where handlers wait for others. */
  #setAside(member: Member): void {
    this.#members.delete(member.number);
    if (this.#spares.length < this.#size) this.#spares.push(member);
    else void member.slot.end();
  }

  /** Its use is over. */
  #retire(member: Member): void {
    this.#members.delete(member.number);
    this.#sayStanding();
    void member.slot.end();
  }

  /** Takes the slot from a thread that does not stop, and ends the thread. */
  #replace(member: Member): void {
    const { work } = member;
    if (work === null) return;
    member.work = null;
    this.#members.delete(member.number);
    this.#sayStanding();
    if (work.stopping === "timeout") this.#report(work, timedOut(this.#lane, work));
    // Ended on purpose, and paid for by its job: the budget is for threads that die by themselves.
    this.#restarts.replaced(`it ran task "${work.facts.name}" past its end`);
    if (this.#line.jobs.length > 0 || this.#spares.length > 0) this.#hire();
    this.#dispatch();
    const isStuck = this.#timers.after(TERMINATE_MS_MAX, () => this.#sayStuck(work));
    void member.slot.end().then(() => isStuck.cancel());
  }

  /** Left behind for as long as the process lives, which cannot be done without end. */
  #sayStuck({ facts }: Work): void {
    const reason = `a ${MADE_OF[this.#lane].runs} of task "${facts.name}" sits in native code and cannot be ended; it is left behind`;
    this.#died(reason, undefined);
  }

  /** A thread is gone that nobody ended, or one that was: then it is forgotten already. */
  #gone(member: Member, exitReason: string): void {
    const reason = member.lastWord ?? exitReason;
    const spare = this.#spares.indexOf(member);
    if (spare >= 0) this.#spares.splice(spare, 1);
    const wasMember = this.#members.delete(member.number);
    const { work } = member;
    member.work = null;
    work?.timer.cancel();
    if (this.#isClosed) return;
    if (wasMember) this.#sayStanding();
    if (work !== null && (work.stopping === null || work.stopping === "timeout")) {
      const error = JSON.stringify(toErrorRecord(deathOf(this.#lane, work, reason)));
      this.#report(work, { kind: "lost", error, isGuilty: true });
    }
    if (!wasMember && spare < 0) return;
    if (work !== null && MADE_OF[this.#lane].isUsedOnce) {
      this.#restarts.replaced(reason);
      this.#dispatch();
      return;
    }
    const backOffMs = this.#died(reason, work?.job);
    if (backOffMs !== null)
      this.#timers.after(backOffMs, () => this.#dispatch(), { keepsAlive: true });
  }

  /** Beyond the budget the crew is broken: its line goes back, and nothing new starts. */
  #died(reason: string, job: ClaimedJob | undefined): number | null {
    const backOffMs = this.#restarts.died(reason, job);
    if (backOffMs === null) this.#giveBack();
    return backOffMs;
  }

  #report({ job: { id, token } }: Work, end: AttemptEnd): void {
    this.#send({ type: "ends", ends: [{ id, token, end }] });
  }
}
