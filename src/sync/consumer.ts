import { ABORT_GRACE_MS, CLOSE_GRACE_MS_DEFAULT } from "../core/limits.ts";
import type { UnjamError } from "../core/errors.ts";
import { invariant } from "../core/invariant.ts";
import { readOptions } from "../core/options.ts";
import type { Clock, Timer, Timers } from "../core/clock.ts";
import { STOP_OPTIONS } from "../core/sync-option-tables.ts";
import { letGo } from "./abort-watch.ts";
import type { Breather } from "./breather.ts";
import type { CallSite } from "./call-site.ts";
import { Flow, runInFlow } from "./flow.ts";
import type { Item } from "./item.ts";
import type { Moment, Moments } from "./moments.ts";
import type { QueueCore, Taker } from "./queue-core.ts";
import type { ConsumeSettings } from "./queue-options.ts";
import { thrownMessage } from "./thrown-text.ts";
import type { Waits } from "./waits.ts";

/** What a handler gets beside the value. */
export interface ConsumeContext {
  /** Aborts when the consumer is stopped and its grace is over. */
  readonly signal: AbortSignal;
}

/** What a consumer calls for each item. What it returns is the answer to an `ask`. */
export type Consume<T, R> = (value: T, context: ConsumeContext) => R | PromiseLike<R>;

/**
 * Live consumers of one queue, as its owner sees them. At the end of an `await using` block they
 * are stopped and their end is awaited, which takes at most the default grace and two seconds.
 *
 * @example
 * import { JoinableQueue } from "unjam/sync";
 * const queue = new JoinableQueue<string>({ name: "lines" });
 * const consumer = queue.consume((line) => console.log(line), { concurrency: 4 });
 * await queue.put("a");
 * await queue.join({ waitMs: 1_000 });
 * consumer.stop();
 * await consumer.finished;
 */
export interface Consumer extends AsyncDisposable {
  /** As given to `consume`, else "consumer-1", "consumer-2" … */
  readonly name: string;
  /**
   * Takes no more items. Running handlers have `graceMs` to end, in milliseconds, 0 to 3,600,000,
   * default 25,000; then their signal aborts, and two seconds later what they hold counts as failed, whatever they still do. Called
   * again before that, the new grace counts from then.
   * @throws UNJAM_UNKNOWN_OPTION, UNJAM_INVALID_OPTION
   */
  stop(options?: { readonly graceMs?: number }): void;
  /** Resolves when it has ended and holds nothing: stopped, dead, or the queue closed and empty. */
  readonly finished: Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** "stopping" takes nothing more and waits for its running handlers; "aborting" has told them to end. */
type Phase = "live" | "stopping" | "aborting" | "over";

/** What comes of items, for the queue to tell their callers. */
export interface ItemEnds<T> {
  done(item: Item<T>, result: unknown): void;
  failed(item: Item<T>, error: unknown): void;
  /** Nobody is left who could take what waits. */
  abandoned(refusal: UnjamError): void;
}

/** What a consumer needs of its queue. */
export interface ConsumerDesk<T> {
  readonly moments: Moments;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly core: QueueCore<T>;
  readonly ends: ItemEnds<T>;
  readonly breather: Breather;
  readonly waits: Waits;
  /** It takes nothing any more; `death` when it was not asked to stop. */
  gone(consumer: ConsumerLoop<T>, death: string | undefined): void;
  report(error: unknown, message: string): void;
}

export class ConsumerLoop<T> {
  readonly name: string;
  readonly site: CallSite | undefined;
  readonly finished: Promise<void>;
  readonly slots: readonly Slot<T>[];
  readonly #handler: Consume<T, unknown>;
  readonly #settings: ConsumeSettings<T>;
  readonly #desk: ConsumerDesk<T>;
  readonly #abort = new AbortController();
  readonly #context: ConsumeContext = { signal: this.#abort.signal };
  #phase: Phase = "live";
  #timer: Timer | undefined;
  #busySlots: number;
  readonly #finish: () => void;

  constructor(
    about: {
      readonly name: string;
      readonly site: CallSite | undefined;
      readonly settings: ConsumeSettings<T>;
    },
    handler: Consume<T, unknown>,
    desk: ConsumerDesk<T>,
  ) {
    this.name = about.name;
    this.site = about.site;
    this.#settings = about.settings;
    this.#handler = handler;
    this.#desk = desk;
    const { concurrency } = about.settings;
    this.#busySlots = concurrency;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#finish = resolve;
    this.slots = Array.from(
      { length: concurrency },
      (_, index) => new Slot<T>(concurrency === 1 ? this.name : `${this.name}#${index + 1}`),
    );
    // A slot only waits while it works on one, so this need not be noted item by item.
    const holding = { what: `an item of queue "${desk.core.name}"`, site: this.site };
    for (const { flow } of this.slots) flow.hold(holding);
  }

  /** What the one who started it gets. */
  get handle(): Consumer {
    return {
      name: this.name,
      finished: this.finished,
      stop: (options) => this.stop(readOptions(STOP_OPTIONS, options, "consumer.stop()")),
      [Symbol.asyncDispose]: () => {
        if (this.isLive) this.stop({ graceMs: CLOSE_GRACE_MS_DEFAULT });
        return this.finished;
      },
    };
  }

  get isLive(): boolean {
    return this.#phase === "live";
  }

  start(): void {
    for (const slot of this.slots) {
      runInFlow(slot.flow, () => this.#work(slot)).then(
        () => this.#slotEnded(),
        // Only a bug of ours gets here: handlers' errors are caught where they are called.
        (error: unknown) => this.#bug(error),
      );
    }
    const { signal } = this.#settings;
    if (signal === undefined) return;
    const onAbort = (): void => this.stop({ graceMs: 0 });
    if (signal.aborted) onAbort();
    else {
      try {
        signal.addEventListener("abort", onAbort, { once: true });
      } catch (error) {
        // The caller has no handle to stop it by.
        onAbort();
        throw error;
      }
    }
    void this.finished.then(() => letGo(signal, onAbort));
  }

  stop({ graceMs }: { readonly graceMs: number }): void {
    if (this.#phase === "live") this.#leave(undefined);
    if (this.#phase !== "stopping") return;
    this.#timer?.cancel();
    if (graceMs === 0) this.#abortHandlers();
    else this.#timer = this.#desk.timers.after(graceMs, () => this.#abortHandlers());
  }

  async #work(slot: Slot<T>): Promise<void> {
    const { breather, core, ends, moments } = this.#desk;
    // Handlers never run inside a call of the user's, not even inside the `consume` that brings them.
    await Promise.resolve();
    while (this.#phase === "live") {
      const breath = breather.next();
      if (breath !== undefined) await breath;
      let item = this.isLive ? core.take() : undefined;
      if (item === undefined) {
        await this.#given(slot);
        // Only now: until this turn the consumer could be stopped, and the item go back.
        item = slot.item;
      }
      if (item === undefined) return;
      // The latest runs: each way here has looked for that.
      slot.hold(item, moments.latest);
      let result: unknown;
      try {
        result = await this.#handler(item.value, this.#context);
      } catch (error) {
        const failed = slot.release();
        if (failed !== undefined) await this.#failed(slot, failed, error);
        continue;
      }
      // From the slot: what lives through an await is written twice more.
      const done = slot.release();
      if (done !== undefined) ends.done(done, result);
    }
  }

  /** Resolves once the slot was given an item, or was let go. */
  async #given(slot: Slot<T>): Promise<void> {
    const { core, moments } = this.#desk;
    const woken = slot.wait();
    // Making a promise runs hooks of the user's, so whether to wait is asked after it.
    if (this.isLive) core.waitForItem(slot);
    else slot.take(undefined);
    await woken;
    void moments.now;
  }

  async #failed(slot: Slot<T>, item: Item<T>, error: unknown): Promise<void> {
    this.#desk.ends.failed(item, error);
    const { budget } = this.#settings;
    try {
      await this.#tell(slot, error, item.value);
    } catch (fatal) {
      this.#die(`onError threw: ${thrownMessage(fatal)}`);
      return;
    }
    if (budget === null || budget.spent.take(this.#desk.clock.now())) return;
    this.#die(
      `its handler threw ${times(budget.max + 1)} within ${budget.perMs} ms, last: ${thrownMessage(error)}`,
    );
  }

  /** The user's own code, which may never end: it is among the waits of its queue. */
  async #tell(slot: Slot<T>, error: unknown, value: T): Promise<void> {
    const told = this.#settings.onError?.(error, value);
    if (told === undefined) return;
    const { core, waits } = this.#desk;
    const what = `the end of its onError, for an item of queue "${core.name}"`;
    await waits.during({ who: slot.flow.name, what, site: this.site }, told);
  }

  #die(reason: string): void {
    if (this.#phase === "live") this.#leave(reason);
  }

  #leave(death: string | undefined): void {
    this.#phase = "stopping";
    const { core } = this.#desk;
    for (const slot of this.slots) if (slot.dismiss()) core.leftTakers();
    this.#giveBack();
    this.#desk.gone(this, death);
  }

  /** What slots were given and have not begun with; the last first, so that all stand as they came. */
  #giveBack(): void {
    const given = this.slots.filter(({ isGiven }) => isGiven);
    for (const slot of given.toSorted((a, b) => b.turn - a.turn)) {
      this.#desk.core.putBack(slot.surrender());
    }
  }

  #abortHandlers(): void {
    invariant(
      this.#phase === "stopping",
      "handlers are told once to end, by a consumer that stops",
    );
    this.#phase = "aborting";
    const reason = new Error(`consumer "${this.name}" was stopped and its grace is over`);
    this.#abort.abort(reason);
    // Also when nothing is held: a slot may wait for an onError that never ends.
    this.#timer = this.#desk.timers.after(ABORT_GRACE_MS, () => this.#giveUp());
  }

  /** What still runs ignores its signal. Its item must not stay unfinished for ever. */
  #giveUp(): void {
    for (const slot of this.slots) {
      const item = slot.release();
      if (item === undefined) continue;
      const error = new Error(`the handler of consumer "${this.name}" ignored its abort signal`);
      this.#desk.ends.failed(item, error);
    }
    this.#end();
  }

  #slotEnded(): void {
    if (--this.#busySlots === 0) this.#end();
  }

  #end(): void {
    if (this.#phase === "live") this.#leave(undefined);
    this.#phase = "over";
    this.#timer?.cancel();
    this.#finish();
  }

  #bug(error: unknown): void {
    this.#desk.report(error, "a consumer's own code failed");
    this.#slotEnded();
  }
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

/** How often a slot was given an item after a wait. */
let turnCount = 0;

/** One of the handlers that a consumer runs at once. */
export class Slot<T> implements Taker<T> {
  readonly flow: Flow;
  #item: Item<T> | undefined;
  #heldSince: Moment | undefined;
  #turn = 0;
  /** Called without the item: resolving with an object reads its `then`, and that is user's land. */
  #wake: (() => void) | undefined;

  constructor(name: string) {
    this.flow = new Flow(name);
  }

  /** What it works on. */
  get item(): Item<T> | undefined {
    return this.#item;
  }

  get heldSince(): Moment | undefined {
    return this.#heldSince;
  }

  get isWaiting(): boolean {
    return this.#wake !== undefined;
  }

  /** Whether it was given an item after a wait, and has not begun with it. */
  get isGiven(): boolean {
    return this.#item !== undefined && this.#heldSince === undefined;
  }

  /** When it was last given one, among all slots. */
  get turn(): number {
    return this.#turn;
  }

  /** Resolves when it is given an item, or told that there is none. */
  wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }

  take(item: Item<T> | undefined): void {
    const wake = this.#wake;
    this.#wake = undefined;
    this.#item = item;
    this.#heldSince = undefined;
    this.#turn = ++turnCount;
    wake?.();
  }

  /** Ends its wait without an item. False when it did not wait. */
  dismiss(): boolean {
    if (!this.isWaiting) return false;
    this.take(undefined);
    return true;
  }

  hold(item: Item<T>, moment: Moment): void {
    this.#item = item;
    // Moments change seldom, and a write into an old object is dear: 2 % of an ask.
    if (this.#heldSince !== moment) this.#heldSince = moment;
  }

  /** Takes away what it was given and has not begun with. */
  surrender(): Item<T> {
    const item = this.#item;
    invariant(item !== undefined, "a slot that was given an item has it");
    this.#item = undefined;
    return item;
  }

  /** Lets go of the item; `undefined` when that was done before. */
  release(): Item<T> | undefined {
    const item = this.#item;
    this.#item = undefined;
    return item;
  }
}
