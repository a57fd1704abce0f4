import type { MonotonicMs } from "../core/clock.ts";
import { LEASE_MS } from "../core/limits.ts";
import type { Engine } from "./engine.ts";

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
  await within(engine, engine.fetcher.stop(), graceEnd);
  for (const lane of executor.lanes) lane.giveBack();
  while (executor.attemptCount > 0 && clock.now() < graceEnd) await pause(engine, LOOK_MS);

  const left = [...executor.attempts];
  for (const attempt of left) {
    executor.ended(attempt.job, "unstarted");
    settler.add(attempt, { kind: "unstarted" });
    attempt.lane.abort([attempt.job], "closing");
  }
  const ending = new AbortController();
  await within(engine, settler.stop(ending.signal), until);
  ending.abort();
  await within(engine, Promise.all(engine.repeaters.map((repeater) => repeater.stop())), until);
  const goodbye = ports.store.leave(engine.owner, "it was closed", clock.now() + LEASE_MS);
  await within(engine, goodbye, until);
  await within(engine, ports.store.close(), until);
  return left.length;
}

/** Waits for `work`, but not past `until`; how it ends does not matter any more. */
async function within(engine: Engine, work: Promise<unknown>, until: MonotonicMs): Promise<void> {
  const over = work.then(
    () => undefined,
    () => undefined,
  );
  const leftMs = Math.max(0, until - engine.ports.clock.now());
  const timer = new AbortController();
  await Promise.race([over, pause(engine, leftMs, timer.signal)]);
  timer.abort();
}

function pause({ ports }: Engine, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = ports.timers.after(ms, resolve, { keepsAlive: true });
    signal?.addEventListener("abort", () => timer.cancel(), { once: true });
  });
}
