import type { Timer } from "../core/clock.ts";
import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { ClaimedJob } from "../core/job.ts";
import type { LogLine } from "../core/job-context.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { CrewLane, TaskFacts } from "../core/task.ts";
import type { ThreadSlot } from "../threads/thread-slot.ts";
import type { FromJobThread, ToJobThread } from "./job-thread-messages.ts";
import type { AbortReason, AwaitMessage } from "./messages.ts";

/** The work of one slot and the ladder's next step. */
export interface Work {
  readonly job: ClaimedJob;
  readonly facts: TaskFacts;
  /** Why it was told to stop; `null` while it may run. */
  stopping: AbortReason | "timeout" | null;
  timer: Timer;
}

/** One thread or process of a crew. */
export interface Member {
  readonly number: number;
  readonly slot: ThreadSlot<FromJobThread, ToJobThread>;
  work: Work | null;
  /** What it said of the cause when it began to die. */
  lastWord: string | undefined;
  /** What its handler waits for, by the number of the call. It lends its slot while there is any. */
  readonly waits: Map<number, AwaitMessage>;
}

/**
 * What a lane is made of, and how reports and errors call it. Used once: it is ended with its job,
 * whose harm must not fall on the next, and its death under its job is no surprise. A job is
 * claimed only once such a member stands: while one starts, a lease would be lost with whatever
 * crashes meanwhile, and suspects come where something crashes.
 */
export const MADE_OF = {
  thread: { runs: "thread", part: "job thread", isUsedOnce: false },
  process: { runs: "process", part: "job process", isUsedOnce: false },
  alone: { runs: "process", part: "quarantine process", isUsedOnce: true },
} as const;

/**
 * Whether a member can say this now. It cannot when it forgets what it does, or when code beside
 * ours speaks on its line: then nothing that it says can be believed. What it says of an attempt
 * that is over may only be late.
 */
export function canSay({ slot, work }: Member, message: FromJobThread | null): boolean {
  switch (message?.type) {
    case "ready":
      return slot.state === "starting";
    case "end":
      return work?.job.id === message.id && work.job.token === message.token;
    case "aborting":
    case "add":
    case "progress":
    case "log":
    case "await":
    case "unawait":
    case "dying":
      return true;
    case undefined:
    default:
      return false;
  }
}

/** Slots that nothing runs on: the crew's own, and those lent by handlers that wait. */
export interface FreeSlots {
  readonly own: number;
  readonly lent: number;
}

export function freeSlots(size: number, members: Iterable<Member>): FreeSlots {
  let busyCount = 0;
  let runningCount = 0;
  for (const { work, waits } of members) {
    if (work === null) continue;
    busyCount++;
    if (waits.size === 0) runningCount++;
  }
  const own = Math.max(0, size - busyCount);
  return { own, lent: Math.max(0, size - runningCount - own) };
}

/** Members that have started, whatever they do. */
export function standingCount(members: Iterable<Member>): number {
  let count = 0;
  for (const { slot } of members) if (slot.state !== "starting") count++;
  return count;
}

/** Members whose handlers wait. */
export function lentCount(members: Iterable<Member>): number {
  let count = 0;
  for (const { waits } of members) if (waits.size > 0) count++;
  return count;
}

/** Its thread or process died under it. */
export function deathOf(
  lane: CrewLane,
  { job, facts: { name: task } }: Work,
  reason: string,
): UnjamError {
  if (lane === "thread") return new UnjamError("UNJAM_THREAD_DIED", { task, reason });
  return new UnjamError("UNJAM_PROCESS_DIED", { task, reason, losses: job.losses });
}

export function timedOut(lane: CrewLane, { facts: { name: task, timeoutMs } }: Work): AttemptEnd {
  const { runs } = MADE_OF[lane];
  const error = new UnjamError("UNJAM_ATTEMPT_TIMEOUT", { task, timeoutMs, runs });
  return { kind: "timedOut", error: JSON.stringify(toErrorRecord(error)), bodyRunsOn: false };
}

/** As many slots are lent as there are. */
export function tooManyWait(lane: CrewLane, size: number): UnjamError {
  const what = `another job on a ${MADE_OF[lane].runs}`;
  return new UnjamError("UNJAM_TOO_MANY_WAITERS", { what, waitersMax: size });
}

/** For whoever posts to a parent that is not theirs. */
export function strayLine(lane: CrewLane): LogLine {
  const { part } = MADE_OF[lane];
  const message = "a handler or its module posted to parentPort, where nobody listens";
  return { level: "warn", message, fields: { part } };
}
