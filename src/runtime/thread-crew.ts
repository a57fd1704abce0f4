/**
 * The job threads, or the job processes, and what runs on them: one attempt on each, the rest in
 * line. Lives in the supervisor, which does nothing that blocks, so its deadlines hold whatever
 * the handlers do. What is said of threads here holds for child processes alike: they only differ
 * in how they are started and ended.
 *
 * It learns what runs by messages, and each attempt climbs the kill ladder by a timer of its own.
 * Only the guilty attempt pays: what waits in line was never on the thread.
 *
 * A handler that waits for another job lends its slot: one more may run, but only a job that
 * somebody waits for. With any other in its place a row of parents would take the slots that their
 * children need. At most as many are lent as there are.
 */
import type { Clock, Timers } from "../core/clock.ts";
import { toErrorRecord } from "../core/error-record.ts";
import { invariant } from "../core/invariant.ts";
import type { ClaimedJob, Lease } from "../core/job.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { CrewLane, TaskFacts } from "../core/task.ts";
import { Crew, type Role } from "../threads/crew.ts";
import { ThreadSlot } from "../threads/thread-slot.ts";
import { CrewLine } from "./crew-line.ts";
import {
  canSay,
  freeSlots,
  lentCount,
  type Member,
  standingCount,
  type StartedMember,
  strayLine,
  tooManyWait,
} from "./crew-member.ts";
import { CrewRestarts } from "./crew-restarts.ts";
import type { FromJobThread, ToJobThread } from "./job-thread-messages.ts";
import { MADE_OF } from "./lane-parts.ts";
import type { AbortReason, AwaitMessage, FromSupervisor, ToSupervisor } from "./messages.ts";
import { type AttemptCrew, RunningAttempt } from "./running-attempt.ts";

export class ThreadCrew {
  readonly #lane: CrewLane;
  readonly #size: number;
  readonly #tasks: ReadonlyMap<string, TaskFacts>;
  readonly #timers: Timers;
  readonly #spawn: (number: number) => StartedMember;
  readonly #send: (message: FromSupervisor) => void;
  readonly #nextNumber: () => number;
  readonly #restarts: CrewRestarts;
  readonly #crew: Crew<Member>;
  readonly #attemptCrew: AttemptCrew;
  readonly #line = new CrewLine();
  #isClosed = false;

  constructor(options: {
    readonly lane: CrewLane;
    readonly size: number;
    readonly tasks: readonly TaskFacts[];
    readonly clock: Clock;
    readonly timers: Timers;
    readonly spawn: (number: number) => StartedMember;
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
    this.#crew = new Crew(options.timers, (role) => this.#newMember(role));
    const { lane, clock, timers } = options;
    this.#attemptCrew = {
      ...{ lane, clock, timers },
      lacksSpare: () => this.#lacksSpare(),
      warm: () => this.#crew.warm(),
      replace: (member, attempt) => this.#replace(member, attempt),
      end: (member, attempt) => this.#end(member, attempt),
    };
  }

  /** Attempts that run or wait here. */
  held(): ClaimedJob[] {
    return [...this.#busy().flatMap(({ work }) => work?.job ?? []), ...this.#line.jobs];
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
        this.#crew.get(message.thread)?.slot.post(message);
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
    for (const { work } of this.#crew.all) work?.over();
    await this.#crew.close();
  }

  #busy(): Member[] {
    return [...this.#crew.all].filter(({ work }) => work !== null);
  }

  /** Gives the first in line to idle threads, and starts threads while there is more than they can take. */
  #dispatch(): void {
    this.#startIdle();
    while (this.#isShort() && this.#hire()) this.#startIdle();
  }

  #startIdle(): void {
    const members = this.#crew.in("member");
    for (const member of members) {
      if (member.slot.state !== "idle") continue;
      const job = this.#line.take(freeSlots(this.#size, members));
      if (job === undefined) return;
      this.#start(member, job);
    }
  }

  /** Whether one more thread would find work. */
  #isShort(): boolean {
    const members = this.#crew.in("member");
    const wanted = this.#line.wanted(freeSlots(this.#size, members));
    return members.filter(({ work }) => work === null).length < wanted;
  }

  /** So many jobs are there to be claimed once members stand for them. None: nobody need stand. */
  #warm(count: number): void {
    this.#line.expect(count);
    if (count === 0) {
      for (const member of this.#crew.in("member"))
        if (member.slot.state === "idle") this.#retire(member);
    }
    this.#dispatch();
  }

  #whoStands(): FromSupervisor[] {
    if (!MADE_OF[this.#lane].isUsedOnce) return [];
    const count = standingCount(this.#crew.in("member"));
    return [{ type: "standing", lane: this.#lane, count }];
  }

  /** Before what became of the job: the engine claims the next for who stands by then. */
  #sayStanding(): void {
    for (const message of this.#whoStands()) this.#send(message);
  }

  /** A warm spare if there is one, else a new thread. False when there are to be no more. */
  #hire(): boolean {
    if (this.#isClosed || this.#restarts.broken !== undefined) return false;
    this.#crew.enlist();
    return true;
  }

  /** One spare for all attempts that may be late. */
  #lacksSpare(): boolean {
    const mayStart = this.#restarts.broken === undefined && !MADE_OF[this.#lane].isUsedOnce;
    return mayStart && this.#crew.count("spare") === 0;
  }

  #newMember(role: Role): Member {
    const number = this.#nextNumber();
    const { thread, locate } = this.#spawn(number);
    const slot = new ThreadSlot<FromJobThread, ToJobThread>(thread, {
      message: (message) => this.#message(member, message),
      stray: () => this.#send({ type: "log", line: strayLine(this.#lane) }),
      gone: (reason) => this.#gone(member, reason),
    });
    const member: Member = {
      ...{ number, slot, role, locate, osThread: 0 },
      ...{ work: null, lastWord: undefined, waits: new Map() },
    };
    return member;
  }

  #start(member: Member, job: ClaimedJob): void {
    const task = this.#tasks.get(job.task);
    invariant(task !== undefined, `the supervisor was sent a job of a task "${job.task}"`);
    member.work = new RunningAttempt(this.#attemptCrew, member, { job, task });
    member.work.begin();
  }

  #abort(lease: Lease, reason: AbortReason): void {
    this.#line.drop(lease);
    for (const { work } of this.#crew.all) if (work?.is(lease) === true) work.abort(reason);
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
        member.osThread = message.osThread;
        this.#sayStanding();
        this.#dispatch();
        return;
      case "aborting":
        if (member.work?.is(message) === true) member.work.heard();
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
    if (member.waits.size === 0 && lentCount(this.#crew.in("member")) >= this.#size) {
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
    const member = this.#crew.get(thread);
    if (member?.waits.delete(message.call) === true) member.slot.post(message);
  }

  #ended(member: Member, end: AttemptEnd): void {
    const { work } = member;
    if (work === null) return;
    this.#restarts.cameThrough();
    work.over();
    member.work = null;
    member.waits.clear();
    member.slot.finish();
    this.#keepOrLetGo(member);
    this.#report(work, work.reportOf(end));
    this.#dispatch();
  }

  #keepOrLetGo(member: Member): void {
    const members = this.#crew.in("member");
    if (member.role === "leaving") {
      this.#crew.dismiss(member);
    } else if (MADE_OF[this.#lane].isUsedOnce) {
      this.#retire(member);
    } else if (members.length > this.#size + lentCount(members)) {
      // Not needed before a slot is lent again, which is soon where handlers wait for others.
      if (this.#crew.count("spare") < this.#size) member.role = "spare";
      else this.#crew.dismiss(member);
    }
  }

  /** Its use is over. */
  #retire(member: Member): void {
    this.#crew.dismiss(member);
    this.#sayStanding();
  }

  /** Another gets the place of a thread that does not stop. */
  #replace(member: Member, { task }: RunningAttempt): void {
    member.role = "leaving";
    this.#sayStanding();
    // Ended on purpose, and paid for by its job: the budget is for threads that die by themselves.
    this.#restarts.ended(`it ran task "${task.name}" past its end`);
    if (this.#crew.count("spare") > 0) this.#hire();
    this.#dispatch();
  }

  #end(member: Member, work: RunningAttempt): void {
    work.over();
    member.work = null;
    this.#report(work, work.timedOut());
    this.#crew.end(member, { left: () => this.#sayStuck(work) });
  }

  /** Left behind for as long as the process lives, which cannot be done without end. */
  #sayStuck({ task }: RunningAttempt): void {
    const reason = `a ${MADE_OF[this.#lane].runs} of task "${task.name}" sits in native code and cannot be ended; it is left behind`;
    this.#died(reason, undefined);
  }

  /** A thread is gone that nobody ended, or one that was: then it is forgotten already. */
  #gone(member: Member, exitReason: string): void {
    const reason = member.lastWord ?? exitReason;
    const { role, work } = member;
    const isNews = this.#crew.forget(member);
    member.work = null;
    work?.over();
    if (this.#isClosed) return;
    if (isNews && role === "member") this.#sayStanding();
    if (work !== null) this.#report(work, work.lost(reason));
    if (!isNews || role === "leaving") return;
    const backOffMs = this.#died(reason, work?.job);
    if (backOffMs === 0) this.#dispatch();
    else if (backOffMs !== null)
      this.#timers.after(backOffMs, () => this.#dispatch(), { keepsAlive: true });
  }

  /** Beyond the budget the crew is broken: its line goes back, and nothing new starts. */
  #died(reason: string, job: ClaimedJob | undefined): number | null {
    const backOffMs = this.#restarts.died(reason, job);
    if (backOffMs === null) this.#giveBack();
    return backOffMs;
  }

  #report({ job: { id, token } }: RunningAttempt, end: AttemptEnd | null): void {
    if (end !== null) this.#send({ type: "ends", ends: [{ id, token, end }] });
  }
}
