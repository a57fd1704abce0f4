import type { MonotonicMs } from "../core/clock.ts";
import { LEASE_MS } from "../core/limits.ts";
import type { Engine } from "./engine.ts";
import { aborted } from "./stop-signal.ts";

/** How often a draining engine looks whether its last attempts have ended. */
const LOOK_MS = 10;
/** Kept back from the grace for writing the last outcomes and the goodbye. */
const RESERVE_MS = 500;

/**
 * Ends the engine's work by `until`, whatever happens: takes nothing new, gives back what has not
 * begun, waits for what runs, then tells the rest to stop and hands it back, so that another
 * process can take it at once. Answers how many attempts were still running.
 */
export async function drain(engine: Engine, until: MonotonicMs): Promise<number> {
  const { executor, settler, ports } = engine;
  const { clock } = ports;
  const graceEnd = until - Math.min(RESERVE_MS, (until - clock.now()) / 2);
  await within(engine, (late) => engine.fetcher.stop(late), graceEnd);
  for (const lane of executor.lanes) lane.giveBack();
  while (executor.attemptCount > 0 && clock.now() < graceEnd) await pause(engine, LOOK_MS);

  const left = [...executor.attempts];
  for (const attempt of left) {
    executor.ended(attempt.job, "unstarted");
    settler.add(attempt, { kind: "unstarted" });
    attempt.lane.abort([attempt.job], "closing");
  }
  engine.intake.close();
  await within(engine, (late) => settler.stop(late), until);
  await within(
    engine,
    (late) => Promise.all(engine.repeaters.map((repeater) => repeater.stop(late))),
    until,
  );
  const deadline = clock.now() + LEASE_MS;
  await within(engine, () => ports.store.leave(engine.owner, "it was closed", deadline), until);
  await within(engine, () => ports.store.close(), until);
  return left.length;
}

/** Does the work, but not past `until`, when its signal aborts; how it ends does not matter any more. */
async function within(
  { ports: { clock, timers } }: Engine,
  work: (late: AbortSignal) => Promise<unknown>,
  until: MonotonicMs,
): Promise<void> {
  const late = new AbortController();
  const leftMs = Math.max(0, until - clock.now());
  const timer = timers.after(leftMs, () => late.abort(), { keepsAlive: true });
  const over = work(late.signal).then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([over, aborted(late.signal)]);
  timer.cancel();
}

function pause({ ports }: Engine, ms: number): Promise<void> {
  return new Promise((resolve) => {
    ports.timers.after(ms, resolve, { keepsAlive: true });
  });
}
