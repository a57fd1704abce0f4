import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { OwnerId } from "../core/job.ts";
import { LIST_LIMIT_MAX } from "../core/limits.ts";
import { type Engine, reportTrouble } from "./engine.ts";

/**
 * Main loop and supervisor say at once what they hold of an engine that died, and what has ended;
 * this is long enough for it, and far less than a lease.
 */
export const TAKE_OVER_MS = 1_000;

/** Owners looked at; the living come first, then those that left last. */
const OWNERS_MAX = 1_000;

/**
 * Gives back what the engines before this one had claimed and could not hand out any more: nobody
 * runs it, and without this it would wait until its lease runs out.
 */
export async function takeOver(engine: Engine): Promise<void> {
  const { executor, settler, ports } = engine;
  const query = { queue: null, states: ["leased"] as const, limit: LIST_LIMIT_MAX, after: null };
  const reason = "the store thread died before it could hand it out";
  try {
    const replaced = await replacedOwners(engine);
    const records = await ports.store.list(query);
    const settling = new Set([...settler.unconfirmed].map(({ job }) => job.id));
    const left = records.filter(
      ({ id, owner }) =>
        replaced.has(owner) && executor.find(id) === undefined && !settling.has(id),
    );
    executor.adopt(left.map((record) => ({ ...record, payload: "" })));
    for (const { id, token, task } of left) {
      const attempt = executor.ended({ id, token }, "unstarted");
      const error = JSON.stringify(
        toErrorRecord(new UnjamError("UNJAM_THREAD_DIED", { task, reason })),
      );
      if (attempt !== undefined) settler.add(attempt, { kind: "lost", error, isGuilty: false });
    }
    settler.flush();
  } catch (error) {
    // Then their leases run out.
    reportTrouble(ports.client, "take-over", error);
  }
}

/** Owners of this process that have left: each engine says goodbye for the one that it replaces. */
async function replacedOwners({ ports }: Engine): Promise<ReadonlySet<OwnerId | null>> {
  const { pid, processStart, machine } = ports.identity;
  const owners = await ports.store.owners(OWNERS_MAX);
  const ours = owners.filter(
    (owner) =>
      owner.leftAt !== null &&
      owner.pid === pid &&
      owner.processStart === processStart &&
      owner.machine === machine,
  );
  return new Set(ours.map(({ id }) => id));
}
