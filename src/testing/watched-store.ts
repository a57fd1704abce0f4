import type { EpochMs } from "../core/clock.ts";
import type { Settlement } from "../core/job.ts";
import type { Store } from "../store/store.ts";

/** Who wants to know what happens to a store. */
export interface StoreWatcher {
  /** Jobs may have changed, just now: what is read in this call is that very state. */
  readonly changed: () => void;
  /** A stored job will change by itself at this instant. */
  readonly willChange: (at: EpochMs) => void;
  /** It answers nothing any more. */
  readonly closed: () => void;
}

/**
 * The same store, and every change to its jobs is told. With a store that answers in one
 * synchronous step no state is missed, however short a job was in it.
 */
export function watchedStore(store: Store, watcher: StoreWatcher): Store {
  const { changed } = watcher;
  return {
    ...unchanging(store),
    add: (groups, deadline) => {
      for (const { shape } of groups) tellInstants(watcher, shape.runAt, shape.expireAt);
      return after(store.add(groups, deadline), changed);
    },
    claim: (request, deadline) => after(store.claim(request, deadline), changed),
    renew: (renewals, deadline) => after(store.renew(renewals, deadline), changed),
    settle: (settlements, deadline) => {
      for (const settlement of settlements) tellInstants(watcher, retryAt(settlement));
      return after(store.settle(settlements, deadline), changed);
    },
    wake: (request, deadline) => after(store.wake(request, deadline), changed),
    hasten: (ids, runAt, deadline) => {
      tellInstants(watcher, runAt);
      return after(store.hasten(ids, runAt, deadline), changed);
    },
    prune: (limits, deadline) => after(store.prune(limits, deadline), changed),
    cancel: (request, deadline) => after(store.cancel(request, deadline), changed),
    revive: (ids, deadline) => after(store.revive(ids, deadline), changed),
    close: () => after(store.close(), watcher.closed),
  };
}

/** What changes no job. */
function unchanging(
  store: Store,
): Omit<
  Store,
  "add" | "claim" | "renew" | "settle" | "wake" | "hasten" | "prune" | "cancel" | "revive" | "close"
> {
  return {
    capabilities: store.capabilities,
    reserveIds: (count, deadline) => store.reserveIds(count, deadline),
    join: (owner, deadline) => store.join(owner, deadline),
    beat: (owner, deadline) => store.beat(owner, deadline),
    leave: (owner, reason, deadline) => store.leave(owner, reason, deadline),
    withdraw: (owner, from, deadline) => store.withdraw(owner, from, deadline),
    owners: (limit) => store.owners(limit),
    awaitJob: (request, deadline) => store.awaitJob(request, deadline),
    get: (ids) => store.get(ids),
    list: (query) => store.list(query),
    queues: () => store.queues(),
    countClaimable: (slots) => store.countClaimable(slots),
    setPaused: (queue, paused, deadline) => store.setPaused(queue, paused, deadline),
    changedByOthers: () => store.changedByOthers(),
  };
}

/** Tells at once, because the memory store has made the change before it answers. */
function after<T>(call: Promise<T>, tell: () => void): Promise<T> {
  tell();
  return call;
}

function retryAt({ outcome }: Settlement): EpochMs | null {
  return outcome.event === "failForRetry" ? outcome.runAt : null;
}

function tellInstants(watcher: StoreWatcher, ...instants: readonly (EpochMs | null)[]): void {
  for (const instant of instants) if (instant !== null) watcher.willChange(instant);
}
