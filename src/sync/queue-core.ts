/**
 * What a queue holds and who waits for it, as data. Every method is one straight block: it reads
 * nothing of the user's and calls nothing of the user's until the state is whole again, so that any
 * method may be called from inside any callback, getter or listener that runs during another.
 *
 * Two lines meet here. Offers are items whose callers wait for room; takers are getters and idle
 * slots that wait for items. `#match` moves items from the one side to the other until one side is
 * empty; it runs whenever something came that could be moved.
 */
import type { MonotonicMs, Timer } from "../core/clock.ts";
import { UnjamError } from "../core/errors.ts";
import { invariant } from "../core/invariant.ts";
import type { Item } from "./item.ts";
import { type ItemOrder, itemOrder, type Order } from "./item-order.ts";
import { Line } from "./line.ts";
import { nextQueuePhase, type QueuePhase } from "./queue-phase.ts";
import { Settlements } from "./settlements.ts";
import { roomOnStack } from "./stack-room.ts";

/** An item outside, whose caller waits for room. */
export interface Offer<T> {
  readonly item: Item<T>;
  readonly rank: number;
  /** When its caller began. */
  readonly since: MonotonicMs;
  /** Whether its caller stands in the line, or comes back by himself. Kept by the core. */
  place: "nowhere" | "line" | "retrying";
  /** While it is retrying: what brings it back. */
  retry?: Timer;
  /** It is in. */
  admitted(): void;
  refused(error: Error): void;
}

/** Somebody who waits for an item. `undefined`: there will be none any more. */
export interface Taker<T> {
  readonly isWaiting: boolean;
  take(item: Item<T> | undefined): void;
}

export class QueueCore<T> {
  readonly name: string;
  readonly capacity: number;
  readonly settlements: Settlements = new Settlements();
  readonly #order: ItemOrder<T>;
  readonly #room = new Line<Offer<T>>(({ item }) => item.phase === "outside");
  readonly #takers = new Line<Taker<T>>((taker) => taker.isWaiting);
  #phase: QueuePhase = "open";
  #isPaused = false;
  #size = 0;
  #roomCount = 0;
  readonly #retrying = new Set<Offer<T>>();
  #takerCount = 0;
  #isMatching = false;

  constructor(options: {
    readonly name: string;
    readonly capacity: number;
    readonly order: Order<T>;
  }) {
    this.name = options.name;
    this.capacity = options.capacity;
    this.#order = itemOrder(options.order);
  }

  get phase(): QueuePhase {
    return this.#phase;
  }

  /** Items that wait in the queue. */
  get size(): number {
    return this.#size;
  }

  /** Callers that wait for room, in the line or coming back by themselves. */
  get waiterCount(): number {
    return this.#roomCount + this.#retrying.size;
  }

  /** Since when the one who has waited longest for room does. */
  get waitingSince(): MonotonicMs | undefined {
    const [retrying] = this.#retrying;
    const since = Math.min(this.#room.peek()?.since ?? Infinity, retrying?.since ?? Infinity);
    return since === Infinity ? undefined : since;
  }

  /** Callers and idle slots that wait for an item. */
  get takerCount(): number {
    return this.#takerCount;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether the next item could come in at once, without passing somebody who waits. */
  get hasRoom(): boolean {
    return this.#phase === "open" && this.#size < this.capacity && this.#roomCount === 0;
  }

  /** Whether nothing will come any more: closed, and all that was in it is settled. */
  get isOver(): boolean {
    return this.#phase === "closed" && this.settlements.unfinishedCount === 0;
  }

  queued(): Item<T>[] {
    return this.#order.all();
  }

  /** Lets an item in. The caller has looked at {@link hasRoom}. */
  admit(item: Item<T>, rank: number): void {
    if (this.#takerCount === 0) {
      this.#enter(item, rank);
      return;
    }
    roomOnStack();
    this.#enter(item, rank);
    this.#match();
  }

  /** Waits for room, behind those who came before. */
  enterRoom(offer: Offer<T>): void {
    offer.place = "line";
    this.#roomCount++;
    this.#room.push(offer);
    this.#match();
  }

  /** Waits for room without standing in the line, until the timer brings it back. */
  enterRetry(offer: Offer<T>, retry: Timer): void {
    offer.place = "retrying";
    offer.retry = retry;
    this.#retrying.add(offer);
  }

  /** Its caller waits no more; an item that is outside stays there for good. */
  withdraw(offer: Offer<T>): void {
    if (offer.place === "line") this.#roomCount--;
    this.#retrying.delete(offer);
    offer.retry?.cancel();
    offer.place = "nowhere";
    if (offer.item.phase === "outside") offer.item.phase = "over";
  }

  /** Lets an item in for one that goes, which keeps the queue as full as it is. */
  replace(out: Item<T>, item: Item<T>, rank: number): void {
    out.phase = "over";
    this.#order.dropped();
    item.phase = "queued";
    this.#order.push(item, rank);
  }

  /** Takes the next item, if there is one and the queue is not paused. */
  take(): Item<T> | undefined {
    const item = this.#isPaused ? undefined : this.#shift();
    if (item !== undefined && this.#roomCount > 0) this.#match();
    return item;
  }

  /** Waits for an item, behind those who came before, unless there will be none any more. */
  waitForItem(taker: Taker<T>): void {
    if (this.isOver) {
      taker.take(undefined);
      return;
    }
    this.#takerCount++;
    this.#takers.push(taker);
    this.#match();
  }

  /** A taker went without an item. */
  leftTakers(): void {
    this.#takerCount--;
  }

  done(item: Item<T>): void {
    item.phase = "over";
    this.settlements.done();
    if (this.#phase === "closed") this.#finish();
  }

  failed(item: Item<T>, value: string, error: unknown): void {
    item.phase = "over";
    this.settlements.failed({ value, error });
    this.#finish();
  }

  /** Back to where it is taken next. It always has room: it was let in before. */
  putBack(item: Item<T>): void {
    item.phase = "queued";
    this.#size++;
    this.#order.unshift(item);
    this.#match();
  }

  /** Takes a waiting item out without anybody having held it. */
  drop(item: Item<T>): void {
    invariant(item.phase === "queued", "only an item that waits in the queue is dropped");
    item.phase = "over";
    this.#size--;
    this.#order.dropped();
    this.settlements.dropped();
    this.#match();
    this.#finish();
  }

  /** The item that has waited longest. */
  oldest(): Item<T> | undefined {
    return this.#order.oldest();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#match();
  }

  /** Refuses producers from now on. What waits in the queue stays. */
  close(): void {
    this.#phase = nextQueuePhase(this.#phase, "close");
    this.refuseRoom(new UnjamError("UNJAM_QUEUE_CLOSED", { queue: this.name }));
    this.#finish();
  }

  /** Its consumers are beyond mending: nobody will take what comes. */
  breakDown(error: Error): void {
    this.#phase = nextQueuePhase(this.#phase, "break");
    this.refuseRoom(error);
  }

  /** Somebody consumes, again or for the first time. */
  mended(): void {
    this.#phase = nextQueuePhase(this.#phase, "consume");
  }

  /** Sends away all who wait for room. */
  refuseRoom(error: Error): void {
    for (const offer of [...this.#room.all(), ...this.#retrying]) offer.refused(error);
  }

  /**
   * Moves what can be moved, one step at a time: between two steps the state is whole, and whoever
   * is told may call anything. A call from there only notes that there may be more to move.
   */
  #match(): void {
    if (this.#isMatching) return;
    this.#isMatching = true;
    try {
      while (this.#letIn() || this.#handOut()) continue;
    } finally {
      this.#isMatching = false;
    }
  }

  /** Calls come first: once one has met the end of the stack, nothing has been changed. */
  #enter(item: Item<T>, rank: number): void {
    this.#order.push(item, rank);
    item.phase = "queued";
    this.#size++;
    this.settlements.unfinishedCount++;
  }

  #letIn(): boolean {
    if (this.#roomCount === 0 || this.#size >= this.capacity || this.#phase !== "open")
      return false;
    const offer = this.#room.shift();
    invariant(offer !== undefined, "who is counted as waiting for room stands in the line");
    this.#roomCount--;
    offer.place = "nowhere";
    this.#enter(offer.item, offer.rank);
    offer.admitted();
    return true;
  }

  #handOut(): boolean {
    if (this.#takerCount === 0 || this.#isPaused) return false;
    const item = this.#shift();
    if (item === undefined) return false;
    const taker = this.#takers.shift();
    invariant(taker !== undefined, "who is counted as waiting for an item stands in the line");
    this.#takerCount--;
    taker.take(item);
    return true;
  }

  /** It is not asked for the size first: an inspector's session may run code at each call of a function. */
  #shift(): Item<T> | undefined {
    const item = this.#order.shift();
    if (item === undefined) return undefined;
    item.phase = "held";
    this.#size--;
    return item;
  }

  /** Tells all who still wait for an item that there will be none. */
  #finish(): void {
    if (!this.isOver) return;
    for (let taker = this.#takers.shift(); taker !== undefined; taker = this.#takers.shift()) {
      this.#takerCount--;
      taker.take(undefined);
    }
  }
}
