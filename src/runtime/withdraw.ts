import { isUnjamError } from "../core/errors.ts";
import type { AppEvents } from "../core/events.ts";
import { LEASE_MS, OWNER_BEAT_MS } from "../core/limits.ts";
import { type Engine, reportTrouble } from "./engine.ts";

/**
 * A lane is broken: says in the store that this owner consumes no queue any more whose tasks all
 * ran there, so that whoever finds such a queue full is refused at once, in every process.
 */
export async function withdraw(engine: Engine, broken: AppEvents["broken"]): Promise<void> {
  const { executor, ports, owner, intake } = engine;
  const { store, clock, client, timers } = ports;
  const queues = executor.deafTo(engine.queues);
  if (queues.length === 0) return;
  const reason = `its ${broken.part} died ${broken.restarts} times and is not restarted; the last time: ${broken.reason}`;
  try {
    await store.withdraw(owner, { queues, reason }, clock.now() + LEASE_MS);
    // Whoever waits for room here waits for nobody.
    intake.lookAgain();
  } catch (error) {
    if (isUnjamError(error, "UNJAM_CLOSED")) return;
    reportTrouble(client, "withdrawal", error);
    timers.after(OWNER_BEAT_MS, () => void withdraw(engine, broken));
  }
}
