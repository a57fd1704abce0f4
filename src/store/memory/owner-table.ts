import type { Clock } from "../../core/clock.ts";
import type { OwnerId } from "../../core/job.ts";
import { CONSUMER_GONE_MS } from "../../core/limits.ts";
import type { AddOutcome, NewOwner, Owner, Withdrawal } from "../store.ts";

/** Owners that went and are kept, besides the last consumer of each queue; more would tell nothing. */
const OWNERS_GONE_MAX = 100;

type Consumers = Pick<Extract<AddOutcome, { kind: "full" }>, "hasConsumer" | "lastConsumer">;

/** Who joined this store, and who of them still consumes. */
export class OwnerTable {
  readonly #clock: Clock;
  readonly #owners = new Map<OwnerId, Owner>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  join(owner: NewOwner): OwnerId {
    const id = ++this.#lastId;
    const times = { joinedAt: this.#clock.wallNow(), beatAt: this.#clock.now() };
    const queues = [...owner.queues];
    this.#owners.set(id, { ...owner, queues, id, ...times, leftAt: null, reason: null });
    return id;
  }

  beat(id: OwnerId): void {
    const owner = this.#owners.get(id);
    const beatAt = this.#clock.now();
    if (owner !== undefined && owner.beatAt !== beatAt) this.#owners.set(id, { ...owner, beatAt });
  }

  /** A goodbye, or being found dead. Whoever has left stays left, for the first reason. */
  leave(id: OwnerId, reason: string): void {
    const owner = this.#owners.get(id);
    if (owner === undefined || owner.leftAt !== null) return;
    this.#owners.set(id, { ...owner, leftAt: this.#clock.wallNow(), reason });
    this.#forget();
  }

  /** Takes queues from a living owner, and notes an owner of only these that left. */
  withdraw(id: OwnerId, { queues, reason }: Withdrawal): void {
    const owner = this.#owners.get(id);
    if (owner === undefined || owner.leftAt !== null) return;
    const gone = owner.queues.filter((queue) => queues.includes(queue));
    if (gone.length === 0) return;
    const left = owner.queues.filter((queue) => !queues.includes(queue));
    this.#owners.set(id, { ...owner, queues: left });
    this.leave(this.join({ ...owner, queues: gone }), reason);
  }

  /** Those that went longest ago, but never the last consumer of a queue. */
  #forget(): void {
    const gone = [...this.#owners.values()].filter(({ leftAt }) => leftAt !== null);
    if (gone.length <= OWNERS_GONE_MAX) return;
    const newestFirst = gone.toSorted(lastLeftFirst);
    const lasts = new Map<string, OwnerId>();
    for (const { id, queues } of newestFirst.toReversed()) {
      for (const queue of queues) lasts.set(queue, id);
    }
    const kept = new Set(lasts.values());
    for (const { id } of newestFirst.slice(OWNERS_GONE_MAX)) {
      if (!kept.has(id)) this.#owners.delete(id);
    }
  }

  /** The living, then those who went; each newest first. */
  list(limit: number): Owner[] {
    const newestFirst = [...this.#owners.values()].toReversed();
    const living = newestFirst.filter(({ leftAt }) => leftAt === null);
    const gone = newestFirst.filter(({ leftAt }) => leftAt !== null);
    return [...living, ...gone].slice(0, Math.max(0, limit));
  }

  /** Whether somebody takes jobs from this queue and, if not, who was the last that did. */
  consumersOf(queue: string): Consumers {
    const now = this.#clock.now();
    const consumers = [...this.#owners.values()].filter(({ queues }) => queues.includes(queue));
    const isLive = ({ leftAt, beatAt }: Owner): boolean =>
      leftAt === null && now - beatAt < CONSUMER_GONE_MS;
    if (consumers.some(isLive)) return { hasConsumer: true, lastConsumer: null };
    const last = consumers.toSorted((a, b) => b.beatAt - a.beatAt || b.id - a.id)[0];
    if (last === undefined) return { hasConsumer: false, lastConsumer: null };
    const { label: worker, beatAt, reason } = last;
    const lastConsumer = { worker, goneMs: now - beatAt, reason: reason ?? "it stopped beating" };
    return { hasConsumer: false, lastConsumer };
  }
}

/** By when they left; of those that left together, who joined last. */
function lastLeftFirst(a: Owner, b: Owner): number {
  return (b.leftAt ?? 0) - (a.leftAt ?? 0) || b.id - a.id;
}
