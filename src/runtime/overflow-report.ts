import type { Clock, MonotonicMs, Timers } from "../core/clock.ts";
import type { AppEvents } from "../core/events.ts";
import { FullLog } from "../core/full-log.ts";
import { FullNotice } from "../core/full-notice.ts";
import type { JobNumber } from "../core/job.ts";

/** Knows who waits for room in a queue at this moment. */
interface Waiters {
  waiterCountOf(queue: string): number;
  /** Since when the first of them waits. */
  waitingSinceOf(queue: string): MonotonicMs | undefined;
}

/** As the intake calls them. */
interface OverflowListeners {
  readonly onFull: (queue: string, capacity: number) => void;
  readonly onWaitersChange: (queue: string) => void;
  readonly onTurnedAway: (queue: string) => void;
  readonly onDropped: (queue: string, ids: readonly JobNumber[]) => void;
}

interface FullQueue {
  capacity: number;
  droppedCount: number;
  readonly log: FullLog;
}

/**
 * What full queues tell, as this app's enqueues meet them. The event tells of every kind of
 * fullness, the log only of what somebody should look into.
 */
export class OverflowReport {
  readonly #ports: { readonly clock: Clock; readonly timers: Timers };
  readonly #waiters: () => Waiters;
  readonly #warn: (fields: object, message: string) => void;
  readonly #event: FullNotice;
  readonly #queues = new Map<string, FullQueue>();

  constructor(options: {
    readonly clock: Clock;
    readonly timers: Timers;
    /** Asked only once somebody has met a full queue. */
    readonly waiters: () => Waiters;
    readonly tell: (data: AppEvents["full"]) => void;
    readonly warn: (fields: object, message: string) => void;
  }) {
    const { clock, timers } = options;
    this.#ports = { clock, timers };
    this.#waiters = options.waiters;
    this.#warn = options.warn;
    this.#event = new FullNotice(clock, (fullness) => {
      options.tell({ ...fullness, droppedCount: this.#of(fullness.queue).droppedCount });
    });
  }

  /** What the intake tells; jobs that were dropped are settled too. */
  listeners(onSettled: (ids: readonly JobNumber[]) => void): OverflowListeners {
    return {
      onFull: (queue, capacity) => this.met(queue, capacity),
      onWaitersChange: (queue) => this.waitersChanged(queue),
      onTurnedAway: (queue) => this.turnedAway(queue),
      onDropped: (queue, ids) => {
        this.dropped(queue, ids.length);
        onSettled(ids);
      },
    };
  }

  /** Somebody found it full. */
  met(queue: string, capacity: number): void {
    this.#of(queue).capacity = capacity;
    this.#event.note(queue, capacity);
  }

  /** Jobs were dropped; comes before {@link met}. */
  dropped(queue: string, count: number): void {
    this.#of(queue).droppedCount += count;
  }

  /** Somebody was refused or lost a job. */
  turnedAway(queue: string): void {
    this.#of(queue).log.turnedAway();
  }

  /** Somebody has begun to wait for room, or waits no more. */
  waitersChanged(queue: string): void {
    const { log } = this.#of(queue);
    if (this.#waiters().waiterCountOf(queue) > 0) log.waiting();
    else log.left();
  }

  #of(name: string): FullQueue {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const { clock, timers } = this.#ports;
    const waiters = this.#waiters;
    const shown = {
      name,
      get capacity(): number {
        return full.capacity;
      },
      get waiterCount(): number {
        return waiters().waiterCountOf(name);
      },
      get waitingSince(): MonotonicMs | undefined {
        return waiters().waitingSinceOf(name);
      },
      get droppedCount(): number {
        return full.droppedCount;
      },
    };
    const ports = { clock, timers, warn: this.#warn };
    const log = new FullLog({ queue: shown, things: "jobs", ...ports });
    const full: FullQueue = { capacity: 0, droppedCount: 0, log };
    this.#queues.set(name, full);
    return full;
  }
}
