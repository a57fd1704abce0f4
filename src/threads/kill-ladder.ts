/**
 * The kill ladder: what is due for work that a thread or child process has begun, from what is known
 * of it. Whoever keeps the thread climbs it until there is nothing to do but wait, and again then, or
 * as soon as more is known.
 *
 * Near the deadline, and SPARE_LEAD_MS before it at the latest, a spare is warmed. At the deadline
 * the work is told to stop, and where its loop has not heard that soon, the thread is asked where it
 * is. After ABORT_ACK_MS another gets its place, before it is ended, so that no capacity is missing
 * while it dies. A loop that has heard gets ABORT_GRACE_MS to clean up, one that is blocked nothing.
 */
import type { Clock, MonotonicMs } from "../core/clock.ts";
import {
  ABORT_ACK_MS,
  ABORT_GRACE_MS,
  HEARD_MS,
  LOCATE_MS_MAX,
  SPARE_AT_FRACTION,
  SPARE_LEAD_MS,
} from "../core/limits.ts";

/** What is known of work that runs. */
export interface RunFacts {
  readonly startedAt: MonotonicMs;
  readonly deadlineAt: MonotonicMs;
  /** When it was told to stop; `null` while it may run. */
  readonly toldAt: MonotonicMs | null;
  /** Whether its loop is free: it has told the code. */
  readonly hasHeard: boolean;
  /** Where it is: to be asked once it is late, being asked, or known, or not of interest. */
  readonly inquiry: "open" | "asked" | "over";
  readonly isReplaced: boolean;
  /** Whether its place is its own as long as it may clean up, so that nothing runs in its stead. */
  readonly keepsPlace: boolean;
  /** Whether a spare may be started and none is there. */
  readonly lacksSpare: boolean;
}

export type Step =
  | { readonly do: "warm" | "tell" | "locate" | "replace" | "end" }
  | { readonly do: "wait"; readonly until: MonotonicMs };

/** Takes the steps. Each changes what is known, so that another is due. */
export interface Climber {
  facts(): RunFacts;
  warm(): void;
  tell(): void;
  locate(): void;
  replace(): void;
  end(): void;
}

/** Takes all steps that are due. Answers until when to wait for the next, or `null` after the last. */
export function climb(clock: Clock, climber: Climber): MonotonicMs | null {
  for (;;) {
    const step = nextStep(climber.facts(), clock.now());
    if (step.do === "wait") return step.until;
    climber[step.do]();
    if (step.do === "end") return null;
  }
}

export function nextStep(run: RunFacts, now: MonotonicMs): Step {
  const { toldAt } = run;
  return toldAt === null ? stepBefore(run, now) : stepAfter(run, toldAt, now);
}

function stepBefore({ startedAt, deadlineAt, lacksSpare }: RunFacts, now: MonotonicMs): Step {
  if (now >= deadlineAt) return { do: "tell" };
  const spareAt = Math.min(
    startedAt + SPARE_AT_FRACTION * (deadlineAt - startedAt),
    deadlineAt - SPARE_LEAD_MS,
  );
  if (now < spareAt) return { do: "wait", until: spareAt };
  return lacksSpare ? { do: "warm" } : { do: "wait", until: deadlineAt };
}

function stepAfter(run: RunFacts, toldAt: MonotonicMs, now: MonotonicMs): Step {
  const { hasHeard, inquiry, isReplaced } = run;
  if (run.lacksSpare && !isReplaced) return { do: "warm" };
  if (inquiry === "open") {
    const askAt = toldAt + HEARD_MS;
    return now < askAt ? { do: "wait", until: askAt } : { do: "locate" };
  }
  const replaceAt = toldAt + ABORT_ACK_MS;
  if (now < replaceAt) return { do: "wait", until: replaceAt };
  const graceEnd = toldAt + ABORT_GRACE_MS;
  const isInGrace = hasHeard && now < graceEnd;
  if (!isReplaced && !(isInGrace && run.keepsPlace)) return { do: "replace" };
  if (isInGrace) return { do: "wait", until: graceEnd };
  const knownAt = toldAt + LOCATE_MS_MAX;
  return inquiry === "asked" && now < knownAt ? { do: "wait", until: knownAt } : { do: "end" };
}
