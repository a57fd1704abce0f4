/**
 * Those who put and ask, and what they are told. Where nothing is to be waited for a put costs an
 * item and an ask a promise; everything else (options, a full queue, a flow that may deadlock) goes
 * the slow way, which costs a few microseconds.
 */
import { UnjamError } from "../core/errors.ts";
import { WAIT_MS_DEFAULT } from "../core/limits.ts";
import { invalid } from "../core/options.ts";
import type { Admission, Terms } from "./admission.ts";
import type { Answers } from "./answers.ts";
import type { Consumers } from "./consumers.ts";
import { currentFlow } from "./flow.ts";
import type { Holders } from "./holders.ts";
import { Item } from "./item.ts";
import type { Moment, Moments } from "./moments.ts";
import type { QueueCore } from "./queue-core.ts";
import { type PutOptions, type QueueSettings, readPutOptions } from "./queue-options.ts";
import { roomOnStack } from "./stack-room.ts";
import type { Movers } from "./wait-graph.ts";
import type { Waits, WaitStart } from "./waits.ts";

/** "dropped": the queue was full, and the policy "drop-newest" let this one go. */
export type PutOutcome = "added" | "dropped";

const ADDED: Promise<PutOutcome> = Promise.resolve("added");

/** Resolves the promise that was made last, until the one who made it takes it. */
let madeLast: ((result: unknown) => void) | undefined;

/** Makes promises with one function for all: one for each would be 4 % of what an ask costs. */
function keepResolve(resolve: (result: never) => void): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the consumer's handler returns what was asked for.
  madeLast = resolve as (result: unknown) => void;
}

/** What the parts of a queue share. */
export interface QueueParts<T> {
  readonly settings: QueueSettings<T>;
  readonly core: QueueCore<T>;
  readonly consumers: Consumers<T>;
  readonly answers: Answers<T>;
  readonly holders: Holders<T>;
  readonly moments: Moments;
  readonly waits: Waits;
}

export class Putters<T> {
  readonly #parts: QueueParts<T>;
  readonly #core: QueueCore<T>;
  readonly #moments: Moments;
  readonly #answers: Answers<T>;
  readonly #admission: Admission<T>;
  /** `undefined` where the order does not depend on the value. */
  readonly #rankBy: ((value: T) => number) | undefined;

  constructor(parts: QueueParts<T>, admission: Admission<T>) {
    const { order } = parts.settings;
    this.#parts = parts;
    this.#core = parts.core;
    this.#moments = parts.moments;
    this.#answers = parts.answers;
    this.#admission = admission;
    this.#rankBy = typeof order === "object" ? order.by : undefined;
  }

  put(value: T, options: PutOptions | undefined): Promise<PutOutcome> {
    if (options !== undefined || this.#rankBy !== undefined || !this.#core.hasRoom) {
      return this.#putSlowly(value, options);
    }
    this.#core.admit(new Item(value, "queued", undefined), 0);
    return ADDED;
  }

  tryPut(value: T): boolean {
    const rank = this.#rankOf(value);
    if (!this.#core.hasRoom) return false;
    this.#core.admit(new Item(value, "queued", undefined), rank);
    return true;
  }

  ask<R>(value: T, options: PutOptions | undefined): Promise<R> {
    const isPlain = options === undefined && this.#rankBy === undefined;
    if (!isPlain || currentFlow() !== undefined) return this.#askSlowly(value, options);
    const answer = new Promise<R>(keepResolve);
    // Without a call, which might meet the end of the stack and leave the resolve to the next.
    const resolve = madeLast;
    madeLast = undefined;
    // The executor met the end of the stack: so says the answer.
    if (resolve === undefined) return answer;
    const moment = this.#moments.now;
    // Not before: a promise and a timer run hooks of the user's, which may fill or close the queue.
    if (!this.#core.hasRoom) {
      resolve(this.#askSlowly(value, options));
      return answer;
    }
    const item = new Item(value, "queued", moment);
    item.answer = resolve;
    this.#core.admit(item, 0);
    moment.openCount++;
    return answer;
  }

  /** Ends the asks of a moment whose deadline has come: those that wait, and those that are held. */
  late(moment: Moment): void {
    const held = this.#parts.holders.items(this.#parts.consumers.all());
    for (const item of [...this.#core.queued(), ...held]) {
      if (item.moment === moment && item.answer !== undefined) this.#askLate(item);
    }
  }

  #putSlowly(value: T, options: PutOptions | undefined): Promise<PutOutcome> {
    try {
      const terms = readPutOptions(options, "queue.put()");
      const rank = this.#rankOf(value);
      roomOnStack();
      const item = new Item(value, "outside", undefined);
      const { core, waits, settings } = this.#parts;
      const wait = waits.begin<PutOutcome>(terms, {
        what: `room in queue "${core.name}"`,
        end: () => this.#admission.withdraw(offer),
        late: (waitMs) => this.#admission.full(waitMs),
      });
      const offer: Terms<T> = {
        ...{ item, rank, since: wait.since, place: "nowhere" },
        whenFull: terms.whenFull ?? settings.whenFull,
        admitted: () => wait.answer("added"),
        dropped: () => wait.answer("dropped"),
        refused: (error) => wait.refuse(error),
      };
      wait.listenTo(terms.signal);
      if (wait.isWaiting) this.#admission.offer(offer);
      return waits.promise(wait, () => this.#takerMovers());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #askSlowly<R>(value: T, options: PutOptions | undefined): Promise<R> {
    try {
      const terms = readPutOptions(options, "queue.ask()");
      const rank = this.#rankOf(value);
      roomOnStack();
      const item = new Item(value, "outside", undefined);
      const { core, waits, settings } = this.#parts;
      const start: WaitStart = {
        what: `an answer of queue "${core.name}"`,
        end: () => {
          item.answer = undefined;
          this.#admission.withdraw(offer);
          if (item.phase === "queued") core.drop(item);
        },
        late: (waitMs) => this.#lateness(item, waitMs),
      };
      const wait = waits.begin<R>(terms, start);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the consumer's handler returns R.
      item.answer = (result) => wait.answer(result as R);
      const offer: Terms<T> = {
        ...{ item, rank, since: wait.since, place: "nowhere" },
        whenFull: terms.whenFull ?? settings.whenFull,
        admitted: () => this.#admission.withdraw(offer),
        dropped: () => this.#answers.dropped(item, "the queue was full (drop-newest)"),
        refused: (error) => wait.refuse(error),
      };
      wait.listenTo(terms.signal);
      if (wait.isWaiting) this.#admission.offer(offer);
      return waits.promise(wait, () => this.#askMovers(item));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Runs the user's code, so it comes before anything is changed. */
  #rankOf(value: T): number {
    if (this.#rankBy === undefined) return 0;
    const rank: unknown = this.#rankBy(value);
    if (typeof rank === "number" && !Number.isNaN(rank)) return rank;
    throw invalid("order.by", "JoinableQueue", "a function that returns a number", rank);
  }

  #askLate(item: Item<T>): void {
    const lateness = this.#lateness(item, WAIT_MS_DEFAULT);
    if (item.phase === "queued") this.#core.drop(item);
    this.#answers.refuse(item, lateness);
  }

  #lateness(item: Item<T>, waitMs: number): UnjamError {
    if (item.phase === "outside") return this.#admission.full(waitMs);
    const what = `ask in queue "${this.#core.name}"`;
    const state =
      item.phase === "queued"
        ? `one of ${this.#core.size} that wait`
        : `held by ${this.#parts.consumers.slotOf(item)?.flow.name ?? this.#parts.holders.lenderOf(item)}`;
    return new UnjamError("UNJAM_WAIT_TIMEOUT", { what, waitedMs: waitMs, state });
  }

  #askMovers(item: Item<T>): Movers {
    if (item.phase !== "held") return this.#takerMovers();
    const flow = this.#parts.consumers.slotOf(item)?.flow;
    return flow === undefined ? "unknown" : { need: "all", flows: [flow], isSure: true };
  }

  /**
   * Who may take the next item, and so make room, as far as is known now: somebody may start another
   * consumer, take one by `get`, or drop what waits.
   */
  #takerMovers(): Movers {
    const { consumers, core, holders } = this.#parts;
    const isKnown = consumers.areKnown && !core.isPaused && !holders.hasGetters;
    if (!isKnown) return "unknown";
    return consumers.takers();
  }
}
