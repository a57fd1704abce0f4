import { UnjamError } from "../core/errors.ts";
import type { LogLine } from "../core/job-context.ts";
import type { CrewLane } from "../core/task.ts";
import type { Whereabouts } from "../core/whereabouts.ts";
import type { CrewMember } from "../threads/crew.ts";
import type { SlotThread, ThreadSlot } from "../threads/thread-slot.ts";
import type { FromJobThread, ToJobThread } from "./job-thread-messages.ts";
import { MADE_OF } from "./lane-parts.ts";
import type { AwaitMessage } from "./messages.ts";
import type { RunningAttempt } from "./running-attempt.ts";

/** A thread or process that was started. */
export interface StartedMember {
  readonly thread: SlotThread<FromJobThread, ToJobThread>;
  /** Where its code is, by its number in the operating system; always resolves, soon. `null`: it cannot be asked. */
  readonly locate: ((osThread: number) => Promise<Whereabouts>) | null;
}

/** One thread or process of a crew. */
export interface Member extends CrewMember {
  readonly slot: ThreadSlot<FromJobThread, ToJobThread>;
  readonly locate: StartedMember["locate"];
  /** Its number in the operating system; 0 where that is not known. */
  osThread: number;
  work: RunningAttempt | null;
  /** What it said of the cause when it began to die. */
  lastWord: string | undefined;
  /** What its handler waits for, by the number of the call. It lends its slot while there is any. */
  readonly waits: Map<number, AwaitMessage>;
}

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
      return work?.is(message) === true;
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
