/**
 * The consumers of one queue: who lives, who went last and why, and what that means for those who
 * wait. Loops (`for await`) are consumers too, but nobody knows their slots.
 */
import type { Clock, Timers } from "../core/clock.ts";
import { UnjamError } from "../core/errors.ts";
import { CLOSE_GRACE_MS_DEFAULT } from "../core/limits.ts";
import { Breather } from "./breather.ts";
import type { ConsumerDesk, ConsumerLoop, ItemEnds, Slot } from "./consumer.ts";
import type { Holders } from "./holders.ts";
import type { Item } from "./item.ts";
import type { Moments } from "./moments.ts";
import type { QueueCore } from "./queue-core.ts";
import type { QueueReport } from "./queue-report.ts";
import { thrownText } from "./thrown-text.ts";
import type { Movers } from "./wait-graph.ts";
import type { Waits } from "./waits.ts";

interface Departure {
  readonly worker: string;
  readonly at: number;
  readonly reason: string;
  /** Whether it died, instead of being stopped. */
  readonly isDeath: boolean;
}

export class Consumers<T> implements ConsumerDesk<T> {
  readonly moments: Moments;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly breather: Breather;
  readonly waits: Waits;
  readonly core: QueueCore<T>;
  readonly #holders: Holders<T>;
  readonly #report: QueueReport;
  readonly ends: ItemEnds<T>;
  readonly #live = new Set<ConsumerLoop<T>>();
  /** Stopped, with handlers that still run. */
  readonly #leaving = new Set<ConsumerLoop<T>>();
  #loopCount = 0;
  readonly #onLoopsLeft: (() => void)[] = [];
  #startedCount = 0;
  #lastGone: Departure | undefined;
  /** Kept apart: who is stopped in good order after it must not hide a crash. */
  #lastDeath: Departure | undefined;
  #takers: Movers | undefined;

  constructor(options: {
    readonly core: QueueCore<T>;
    readonly holders: Holders<T>;
    readonly moments: Moments;
    readonly ports: { readonly clock: Clock; readonly timers: Timers };
    readonly report: QueueReport;
    readonly waits: Waits;
    readonly ends: ItemEnds<T>;
  }) {
    this.core = options.core;
    this.#holders = options.holders;
    this.ends = options.ends;
    this.moments = options.moments;
    this.clock = options.ports.clock;
    this.breather = new Breather(options.ports, options.moments);
    this.timers = options.ports.timers;
    this.waits = options.waits;
    this.#report = options.report;
  }

  /** Live consumers, loops included. */
  get liveCount(): number {
    return this.#live.size + this.#loopCount;
  }

  /** Whether everybody who takes items is a consumer whose slots are known. */
  get areKnown(): boolean {
    return this.#loopCount === 0 && this.#live.size > 0;
  }

  /** All that may take items or still work on some. */
  all(): ConsumerLoop<T>[] {
    return [...this.#live, ...this.#leaving];
  }

  /**
   * The slots that will take the next items; not for sure: somebody may start another consumer. The
   * same object until they change, so that a search for a cycle knows it again.
   */
  takers(): Movers {
    this.#takers ??= {
      need: "any",
      flows: [...this.#live].flatMap(({ slots }) => slots.map(({ flow }) => flow)),
      isSure: false,
    };
    return this.#takers;
  }

  /** The slot that works on an item. */
  slotOf(item: Item<T>): Slot<T> | undefined {
    return this.all()
      .flatMap(({ slots }) => slots)
      .find((slot) => slot.item === item);
  }

  /** Lets them finish until the queue is over or the grace is; resolves when all consumers have ended. */
  async end(): Promise<void> {
    const all = this.all();
    const { promise: loopsLeft, resolve } = Promise.withResolvers<void>();
    const timer = this.timers.after(CLOSE_GRACE_MS_DEFAULT, () => {
      for (const consumer of all) consumer.stop({ graceMs: 0 });
      // A loop has no signal: nobody can end it but itself.
      resolve();
    });
    this.#onLoopsLeft.push(resolve);
    if (this.#loopCount === 0) resolve();
    await Promise.all([loopsLeft, ...all.map(({ finished }) => finished)]);
    timer.cancel();
  }

  /** A name for one that was given none. */
  nextName(): string {
    return `consumer-${++this.#startedCount}`;
  }

  start(consumer: ConsumerLoop<T>): void {
    this.#live.add(consumer);
    this.#takers = undefined;
    this.core.mended();
    consumer.start();
  }

  loopStarted(): void {
    this.#loopCount++;
    this.core.mended();
  }

  loopLeft(): void {
    this.#loopCount--;
    if (this.#loopCount === 0) for (const tell of this.#onLoopsLeft.splice(0)) tell();
    this.#someoneWent({ worker: "a for await loop", reason: "it was left", isDeath: false });
  }

  /** Why a full queue will not get room, or `undefined` when somebody may make some. */
  refusal(): UnjamError | undefined {
    if (this.liveCount > 0 || this.#lastGone === undefined) return undefined;
    const last = this.#lastGone;
    // Somebody takes items by `get` as well, and may take the next: there is only the deadline.
    if (!last.isDeath && this.#holders.hasGetters) return undefined;
    const { name: queue, capacity } = this.core;
    const lastConsumer = this.#told(last);
    const lastDeath = this.#lastDeath === undefined ? null : this.#told(this.#lastDeath);
    return new UnjamError("UNJAM_NO_CONSUMER", { queue, capacity, lastConsumer, lastDeath });
  }

  /** Why what is unfinished stays so: the last consumer died. A new one mends that. */
  ruin(): UnjamError | undefined {
    return this.#lastGone?.isDeath === true ? this.refusal() : undefined;
  }

  gone(consumer: ConsumerLoop<T>, death: string | undefined): void {
    this.#live.delete(consumer);
    this.#takers = undefined;
    this.#leaving.add(consumer);
    void consumer.finished.then(() => this.#leaving.delete(consumer));
    const { name: queue } = this.core;
    const worker = consumer.name;
    const reason = death ?? (this.core.isOver ? "the queue was closed" : "it was stopped");
    if (death !== undefined) {
      this.#report.emit("died", { queue, consumer: worker, reason }, "a consumer died");
    }
    this.#someoneWent({ worker, reason, isDeath: death !== undefined });
    if (death !== undefined) this.#breakDown(reason);
  }

  report(error: unknown, message: string): void {
    this.#report.warn({ queue: this.core.name, error: thrownText(error) }, message);
  }

  #told({ worker, at, reason }: Departure): { worker: string; goneMs: number; reason: string } {
    return { worker, goneMs: Math.round(this.clock.now() - at), reason };
  }

  #someoneWent(departure: Omit<Departure, "at">): void {
    this.#lastGone = { ...departure, at: this.clock.now() };
    if (departure.isDeath) this.#lastDeath = this.#lastGone;
    const refusal = this.refusal();
    if (refusal !== undefined) this.core.refuseRoom(refusal);
  }

  /** Breaks the queue when the consumer that died was the last. */
  #breakDown(reason: string): void {
    const { name: queue } = this.core;
    const refusal = this.refusal();
    // Others live, or listeners have started a new one.
    if (refusal === undefined) return;
    const isOpen = this.core.phase === "open";
    this.core.breakDown(refusal);
    this.core.settlements.refuseJoins(refusal);
    this.ends.abandoned(refusal);
    if (!isOpen) return;
    this.#report.emit("broken", { queue, reason }, "the last consumer of a queue died");
  }
}
