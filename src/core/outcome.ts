import { backoffMs } from "./backoff.ts";
import type { EpochMs, Random } from "./clock.ts";
import type { Outcome } from "./job.ts";
import { OVERLAP_MS_MAX, SUSPECT_LOSSES } from "./limits.ts";
import type { TaskFacts } from "./task.ts";

/** How an attempt ended, as its runner saw it. `error` is JSON text of an ErrorRecord. */
export type AttemptEnd =
  | {
      readonly kind: "returned";
      readonly result: string | null;
      /** Why there is no result to store, although the handler returned one. */
      readonly problem: string | null;
    }
  | {
      readonly kind: "threw";
      readonly error: string;
      /** From `retryIn(ms)`. */
      readonly retryInMs: number | null;
      /** From `giveUp(reason)`, or a payload that no longer fits. */
      readonly isFinal: boolean;
    }
  /** `bodyRunsOn`: a loop handler cannot be killed; its retry waits for the old body. */
  | { readonly kind: "timedOut"; readonly error: string; readonly bodyRunsOn: boolean }
  /** The thread or process under it died. `isGuilty`: nothing else ran there. */
  | { readonly kind: "lost"; readonly error: string; readonly isGuilty: boolean }
  | { readonly kind: "unstarted" };

/**
 * What an attempt's end means for its job: the one place that decides between done, another try
 * and the dead letters. `attempt` counts those before this one; losses do not use up attempts.
 */
export function outcomeOf(
  end: AttemptEnd,
  job: { readonly facts: TaskFacts; readonly attempt: number; readonly losses: number },
  chance: { readonly wallNow: EpochMs; readonly random: Random },
): Outcome {
  const { facts, attempt, losses } = job;
  switch (end.kind) {
    case "returned":
      return {
        event: "succeed",
        result: end.result,
        error: end.problem,
        keepMs: facts.keep.doneMs,
      };
    case "unstarted":
      return { event: "handBack" };
    case "lost":
      if (end.isGuilty && losses >= SUSPECT_LOSSES) {
        return { event: "failForGood", error: end.error, keepMs: facts.keep.deadMs };
      }
      return { event: "loseLease", error: end.error };
    case "threw":
    case "timedOut": {
      const isFinal = end.kind === "threw" && end.isFinal;
      const started = attempt + 1;
      if (isFinal || started >= facts.attempts) {
        return { event: "failForGood", error: end.error, keepMs: facts.keep.deadMs };
      }
      const asked = end.kind === "threw" ? end.retryInMs : null;
      const delayMs = asked ?? backoffMs(facts.backoff, started, chance.random);
      const least = end.kind === "timedOut" && end.bodyRunsOn ? OVERLAP_MS_MAX : 0;
      return {
        event: "failForRetry",
        error: end.error,
        runAt: Math.round(chance.wallNow + Math.max(delayMs, least)),
      };
    }
  }
}
