import type { App } from "../client/app.ts";
import type { JoinResult } from "../client/join.ts";
import { isUnjamError, UnjamError } from "../core/errors.ts";
import type { JobWatch } from "./job-watch.ts";
import type { ManualClock } from "./manual-clock.ts";
import { realTimers } from "./real-timers.ts";

/** A test app that is to run empty. */
export interface Draining {
  readonly app: App;
  readonly clock: ManualClock;
  readonly watch: JobWatch;
  readonly queue: string | undefined;
  /** Real milliseconds: for handlers that wait for the world outside. */
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Moves the clock from retry to retry until nothing that is due is unfinished. While a handler
 * runs, time stands still: it must not run into its deadline because others retry.
 */
export async function drain(draining: Draining): Promise<JoinResult> {
  const { app, queue, waitMs, signal } = draining;
  const late = new AbortController();
  const timer = realTimers.after(waitMs, () => late.abort());
  const ending = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
  let next: Step = "again";
  while (next === "again" && !ending.aborted) next = await step(draining, ending);
  timer.cancel();
  signal?.throwIfAborted();
  try {
    return await app.join({ ...(queue === undefined ? {} : { queue }), waitMs: 0 });
  } catch (error) {
    if (!late.signal.aborted || !isUnjamError(error, "UNJAM_JOIN_TIMEOUT")) throw error;
    throw new UnjamError("UNJAM_JOIN_TIMEOUT", { ...error.details, waitedMs: waitMs });
  }
}

/** "rest": nothing more will happen by itself. The join that follows says whether all is done. */
type Step = "again" | "rest";

async function step({ clock, watch, queue }: Draining, ending: AbortSignal): Promise<Step> {
  await clock.rest();
  // Listens before it looks, so that no change falls in between.
  const changed = nextChange(watch, ending);
  const queues = (await watch.queues()).filter(({ name }) => queue === undefined || name === queue);
  if (queues.some(({ counts }) => counts.leased > 0)) {
    await changed.promise;
    return "again";
  }
  changed.stop();
  const isRetrying = queues.some(({ paused, retryingCount }) => !paused && retryingCount > 0);
  const retryAt = isRetrying ? await watch.firstRetryAt(queue ?? null) : null;
  if (retryAt === null) return "rest";
  await clock.advance(Math.max(0, retryAt - clock.wallNow()));
  return "again";
}

/** Resolves at the next change of a job, or when the drain must end. */
function nextChange(
  watch: JobWatch,
  ending: AbortSignal,
): { readonly promise: Promise<void>; readonly stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stopListening = watch.onChange(() => stop());
  const stop = (): void => {
    stopListening();
    ending.removeEventListener("abort", stop);
    resolve();
  };
  if (ending.aborted) stop();
  else ending.addEventListener("abort", stop, { once: true });
  return { promise, stop };
}
