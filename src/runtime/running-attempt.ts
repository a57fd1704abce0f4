/**
 * One attempt on a thread or process: how far up the kill ladder it is, by one timer, and what is to
 * be reported of it. One that is late is reported once it is known where it was; its place does not
 * wait for that.
 */
import type { Clock, MonotonicMs, Timer, Timers } from "../core/clock.ts";
import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { ClaimedJob, Lease } from "../core/job.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { CrewLane, TaskFacts } from "../core/task.ts";
import { AWAITING, hereError, type Whereabouts } from "../core/whereabouts.ts";
import { type Climber, climb, type RunFacts } from "../threads/kill-ladder.ts";
import type { Member } from "./crew-member.ts";
import { MADE_OF } from "./lane-parts.ts";
import type { AbortReason } from "./messages.ts";

/** What its crew does for it. */
export interface AttemptCrew {
  readonly lane: CrewLane;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Whether a spare may be started and none is there. */
  lacksSpare(): boolean;
  warm(): void;
  /** Gives its place to another. */
  replace(member: Member, attempt: RunningAttempt): void;
  end(member: Member, attempt: RunningAttempt): void;
}

export class RunningAttempt implements Climber {
  readonly job: ClaimedJob;
  readonly task: TaskFacts;
  readonly #crew: AttemptCrew;
  readonly #member: Member;
  readonly #startedAt: MonotonicMs;
  /** That it is to stop; `null` while it may run. */
  #told: { readonly reason: AbortReason | "timeout"; readonly at: MonotonicMs } | null = null;
  #hasHeard = false;
  #inquiry: RunFacts["inquiry"];
  /** Where it was at its deadline, as far as it is known. */
  #stuck: Whereabouts | null = null;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(crew: AttemptCrew, member: Member, work: { job: ClaimedJob; task: TaskFacts }) {
    this.job = work.job;
    this.task = work.task;
    this.#crew = crew;
    this.#member = member;
    this.#startedAt = crew.clock.now();
    this.#inquiry = member.locate === null ? "over" : "open";
  }

  is({ id, token }: Lease): boolean {
    return this.job.id === id && this.job.token === token;
  }

  begin(): void {
    this.#member.slot.take({ type: "run", job: this.job });
    this.#climb();
  }

  /** It no longer counts. Does nothing once it was told to stop. */
  abort(reason: AbortReason): void {
    if (this.#told !== null || this.#isOver) return;
    this.#tell(reason);
    this.#climb();
  }

  /**
   * Its loop is free: it has told the handler. In time, so that whatever its thread was found at
   * meanwhile did not hold it. Once another has its place that comes too late, for both would run.
   */
  heard(): void {
    if (this.#told === null || this.#member.role === "leaving") return;
    this.#hasHeard = true;
    this.#located(AWAITING);
    this.#climb();
  }

  /** It has ended, or its thread has: the ladder is not climbed any more. */
  over(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  /**
   * What is to be reported when it ends by itself: nothing where it was told to stop for another
   * reason than its deadline, because whoever did that needs no report.
   */
  reportOf(end: AttemptEnd): AttemptEnd | null {
    if (this.#told === null) return end;
    if (this.#told.reason !== "timeout") return null;
    // What it throws after being told to stop is its way of stopping, not its own failure.
    return end.kind === "threw" ? this.timedOut() : end;
  }

  /** What is to be reported when it is ended. */
  timedOut(): AttemptEnd | null {
    if (this.#told?.reason !== "timeout") return null;
    const { name: task, timeoutMs } = this.task;
    const { runs } = MADE_OF[this.#crew.lane];
    const cause = hereError(`task "${task}"`, this.#stuck);
    const details = { task, timeoutMs, runs, stuck: this.#stuck };
    const error = new UnjamError("UNJAM_ATTEMPT_TIMEOUT", details, { cause });
    return { kind: "timedOut", error: JSON.stringify(toErrorRecord(error)), bodyRunsOn: false };
  }

  /** What is to be reported when its thread or process died under it. */
  lost(reason: string): AttemptEnd | null {
    if (this.#member.role === "leaving") return this.timedOut();
    const error = JSON.stringify(toErrorRecord(this.#deathOf(reason)));
    return this.reportOf({ kind: "lost", error, isGuilty: true });
  }

  #deathOf(reason: string): UnjamError {
    const { name: task } = this.task;
    if (this.#crew.lane === "thread") return new UnjamError("UNJAM_THREAD_DIED", { task, reason });
    const { losses } = this.job;
    return new UnjamError("UNJAM_PROCESS_DIED", { task, reason, losses });
  }

  /** Takes the steps that are due, and comes back for the next. */
  #climb(): void {
    if (this.#isOver) return;
    this.#timer?.cancel();
    const { clock, timers } = this.#crew;
    const until = climb(clock, this);
    if (until !== null) this.#timer = timers.after(until - clock.now(), () => this.#climb());
  }

  facts(): RunFacts {
    return {
      startedAt: this.#startedAt,
      deadlineAt: this.#startedAt + this.task.timeoutMs,
      toldAt: this.#told?.at ?? null,
      hasHeard: this.#hasHeard,
      inquiry: this.#inquiry,
      isReplaced: this.#member.role === "leaving",
      // While it cleans up it still runs, and no more run at once than there are slots.
      keepsPlace: true,
      // What is cancelled mostly stops, and needs no spare.
      lacksSpare: (this.#told?.reason ?? "timeout") === "timeout" && this.#crew.lacksSpare(),
    };
  }

  warm(): void {
    this.#crew.warm();
  }

  tell(): void {
    this.#tell("timeout");
  }

  replace(): void {
    this.#crew.replace(this.#member, this);
  }

  end(): void {
    this.#crew.end(this.#member, this);
  }

  #tell(reason: AbortReason | "timeout"): void {
    const { id, token } = this.job;
    this.#told = { reason, at: this.#crew.clock.now() };
    // Nobody is told where it was.
    if (reason !== "timeout") this.#inquiry = "over";
    this.#member.slot.abort({ type: "abort", id, token, reason });
  }

  locate(): void {
    const { locate, osThread } = this.#member;
    this.#inquiry = "asked";
    void locate?.(osThread).then((whereabouts) => {
      if (this.#inquiry !== "asked") return;
      this.#located(whereabouts);
      this.#climb();
    });
  }

  #located(whereabouts: Whereabouts): void {
    this.#inquiry = "over";
    this.#stuck = whereabouts;
  }
}
