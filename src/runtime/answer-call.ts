import { KEEP_DEAD_MS_DEFAULT, OWNERS_LISTED_MAX } from "../core/limits.ts";
import type { JobNumber } from "../core/job.ts";
import type { Engine } from "./engine.ts";
import type { EngineCall } from "./messages.ts";
import { waitFacts } from "./wait-facts.ts";

/** Answers one question or order of the client; what it throws becomes the caller's error. */
export async function answerCall(engine: Engine, request: EngineCall): Promise<unknown> {
  const { store } = engine.ports;
  switch (request.name) {
    case "reserveIds":
      return store.reserveIds(request.count, request.deadline);
    case "get":
      return store.get(request.ids);
    case "list":
      return store.list(request.query);
    case "queues":
      return store.queues();
    case "owners":
      return store.owners(OWNERS_LISTED_MAX);
    case "setPaused":
      await store.setPaused(request.queue, request.paused, request.deadline);
      engine.fetcher.noteAll();
      return null;
    case "cancel":
      return cancel(engine, request.ids, request.deadline);
    case "revive": {
      const revived = await store.revive(request.ids, request.deadline);
      engine.fetcher.noteAll();
      return revived;
    }
    case "store": {
      const { durability, place } = store.capabilities;
      return { durability, place, owner: engine.owner };
    }
    case "waits":
      return waitFacts(engine, request.jobs);
    case "drain":
      return engine.executor.attemptCount;
  }
}

/** Cancels in the store first; then the handlers that run here are told to stop. */
async function cancel(
  engine: Engine,
  ids: readonly JobNumber[],
  deadline: number,
): Promise<readonly JobNumber[]> {
  const error = JSON.stringify({ name: "Cancelled", message: "it was cancelled" });
  const request = { ids, keepMs: KEEP_DEAD_MS_DEFAULT, error };
  const cancelled = await engine.ports.store.cancel(request, deadline);
  const leases = cancelled.flatMap((id) => {
    const attempt = engine.executor.find(id);
    return attempt === undefined ? [] : [{ id, token: attempt.job.token }];
  });
  engine.executor.abort(leases, "cancelled");
  // A slot may be free now, and a place in the queue.
  engine.fetcher.look();
  if (cancelled.length > 0) engine.intake.lookAgain();
  engine.watch.settled(cancelled);
  engine.waits.settled(cancelled);
  return cancelled;
}
