/**
 * What becomes of an item that its caller offers: it comes in, waits for room, or is refused, by
 * the state of the queue and the caller's policy.
 */
import { type Backoff, backoffMs } from "../core/backoff.ts";
import { UnjamError } from "../core/errors.ts";
import type { Overflow } from "../core/overflow.ts";
import type { Consumers } from "./consumers.ts";
import { FullReport } from "./full-report.ts";
import type { Item } from "./item.ts";
import type { Offer, QueueCore } from "./queue-core.ts";
import type { QueueReport } from "./queue-report.ts";
import type { SyncPorts } from "./sync-ports.ts";

/** An offer with its caller's terms. */
export interface Terms<T> extends Offer<T> {
  readonly whenFull: Overflow;
  /** It was taken out by the caller's own policy. */
  dropped(): void;
}

export class Admission<T> {
  readonly #core: QueueCore<T>;
  readonly #consumers: Consumers<T>;
  readonly #ports: SyncPorts;
  readonly #waitersMax: number;
  readonly #report: FullReport;
  readonly #onDropped: (item: Item<T>, reason: string) => void;

  constructor(options: {
    readonly core: QueueCore<T>;
    readonly consumers: Consumers<T>;
    readonly ports: SyncPorts;
    readonly waitersMax: number;
    readonly report: QueueReport;
    /** For the caller of an item that was taken out. */
    readonly onDropped: (item: Item<T>, reason: string) => void;
  }) {
    this.#core = options.core;
    this.#consumers = options.consumers;
    this.#ports = options.ports;
    this.#waitersMax = options.waitersMax;
    this.#onDropped = options.onDropped;
    this.#report = new FullReport(options);
  }

  /** Items that overflow policies dropped. */
  get droppedCount(): number {
    return this.#report.droppedCount;
  }

  /** Why nothing comes in any more, whether there is room or not. */
  refusal(): UnjamError | undefined {
    const { phase, name: queue } = this.#core;
    if (phase === "closed") return new UnjamError("UNJAM_QUEUE_CLOSED", { queue });
    return phase === "broken" ? this.#consumers.refusal() : undefined;
  }

  offer(terms: Terms<T>): void {
    const refusal = this.refusal();
    if (refusal !== undefined) terms.refused(refusal);
    else if (this.#core.hasRoom) this.#admit(terms);
    else this.#overflow(terms);
  }

  /** What a caller is told who found no room, at once or at the deadline. */
  full(waitedMs: number): UnjamError {
    const { name: queue, capacity } = this.#core;
    this.#report.turnedAway();
    return new UnjamError("UNJAM_QUEUE_FULL", { queue, capacity, waitedMs });
  }

  /** Its caller waits no more. */
  withdraw(terms: Terms<T>): void {
    this.#core.withdraw(terms);
    this.#report.left();
  }

  #admit(terms: Terms<T>): void {
    this.withdraw(terms);
    this.#core.admit(terms.item, terms.rank);
    terms.admitted();
  }

  #overflow(terms: Terms<T>): void {
    const { whenFull } = terms;
    this.#report.met();
    // The notice has run listeners, and they may have ended this wait, made room, or closed the queue.
    if (terms.item.phase !== "outside") return;
    const refusal = this.refusal();
    if (refusal !== undefined) terms.refused(refusal);
    else if (this.#core.hasRoom) this.#admit(terms);
    else if (whenFull === "reject") terms.refused(this.full(0));
    else if (whenFull === "drop-newest") this.#dropNewest(terms);
    else if (whenFull === "drop-oldest") this.#dropOldest(terms);
    else this.#wait(terms);
  }

  #dropNewest(terms: Terms<T>): void {
    this.#report.dropped();
    terms.dropped();
    this.#report.turnedAway();
  }

  /** The room goes to who dropped for it, also when others wait: they wait for takers. */
  #dropOldest(terms: Terms<T>): void {
    const oldest = this.#core.oldest();
    if (oldest === undefined) {
      // A hook emptied the queue while those who wait were being let in: this one is behind them.
      this.#wait(terms);
      return;
    }
    this.#report.dropped();
    this.#core.replace(oldest, terms.item, terms.rank);
    this.#onDropped(oldest, "a newer one took its place (drop-oldest)");
    terms.admitted();
    this.#report.turnedAway();
  }

  #wait(terms: Terms<T>): void {
    const { whenFull } = terms;
    const refusal = this.#consumers.refusal() ?? this.#noWaitingRoom();
    if (refusal !== undefined) {
      terms.refused(refusal);
      this.#report.turnedAway();
      return;
    }
    if (typeof whenFull === "object") this.#retryLater(terms, whenFull.retry, 1);
    else this.#core.enterRoom(terms);
    this.#report.waiting();
  }

  #noWaitingRoom(): UnjamError | undefined {
    const { name: queue, waiterCount } = this.#core;
    const waitersMax = this.#waitersMax;
    if (waiterCount < waitersMax) return undefined;
    const what = `room in queue "${queue}"`;
    return new UnjamError("UNJAM_TOO_MANY_WAITERS", { what, queue, waitersMax });
  }

  #retryLater(terms: Terms<T>, backoff: Backoff, tries: number): void {
    const delayMs = backoffMs(backoff, tries, this.#ports.random);
    const timer = this.#ports.timers.after(delayMs, () => {
      if (this.#core.hasRoom) this.#admit(terms);
      else this.#retryLater(terms, backoff, tries + 1);
    });
    // It is cancelled when the caller waits no more: a delay may be hours, and holds the process.
    this.#core.enterRetry(terms, timer);
  }
}
