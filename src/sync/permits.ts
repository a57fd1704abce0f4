/**
 * The one implementation behind Mutex and Semaphore: so many permits, and a line of those who wait
 * for one, first come first served.
 *
 * Each call reads what the caller gave before it touches anything, changes the state in one go
 * without running any code but its own, and tells others afterwards: code of the user that comes
 * back in between (a listener, a getter of the options) finds a lock that is whole.
 */
import type { Clock, MonotonicMs, Timers } from "../core/clock.ts";
import { UnjamError } from "../core/errors.ts";
import { Fifo } from "../core/fifo.ts";
import { HOLDERS_NAMED_MAX } from "../core/limits.ts";
import { readLogger } from "../core/logger.ts";
import type { LockOptionValues } from "../core/option-tables.ts";
import { type SiteKind, siteInWords } from "../core/site-words.ts";
import { watchAbort } from "./abort-watch.ts";
import { type CallSite, SiteSampler } from "./call-site.ts";
import { currentFlow, Flow, runInFlow } from "./flow.ts";
import { Guard, type GuardOwner, Hold } from "./guard.ts";
import { LockEvents } from "./lock-events.ts";
import { enterLockFlow, withChain } from "./lock-flow.ts";
import { noteOrder, type OrderedLock } from "./lock-order.ts";
import { type Member, Roster } from "./roster.ts";
import type { Below } from "./stack-frames.ts";
import { roomOnStack } from "./stack-room.ts";
import type { SyncPorts } from "./sync-ports.ts";
import { type Movers, waitInFlow } from "./wait-graph.ts";

/** Who takes a permit, and where. */
interface Taker {
  readonly flow: Flow | undefined;
  readonly site: CallSite | undefined;
}

/** A call that waits for a permit. */
interface Waiter extends Taker, Member<Waiter> {
  /** Ends what else could end the wait. */
  readonly leave: () => void;
  readonly resolve: (guard: Guard) => void;
}

/** How a call may wait, as read from its options. */
export interface WaitTerms {
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Who holds a permit now. */
export interface Holder {
  /** `bookOrder()`, or `run of mutex "orders"`. */
  readonly holder: string;
  /** `orders.ts:31 in bookOrder`; `null` when its place was not noted. */
  readonly site: string | null;
  readonly siteKind: SiteKind;
  /** How long it has held the permit, in whole milliseconds. */
  readonly sinceMs: number;
}

export class Permits implements GuardOwner {
  readonly what: string;
  readonly ordered: OrderedLock | undefined;
  readonly events: LockEvents;
  readonly #count: number;
  readonly #waitersMax: number;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #sampler: SiteSampler;
  readonly #holds = new Roster<Hold>();
  #movers: Movers | undefined;
  readonly #line = new Roster<Waiter>();
  /** Who has a permit and was not told yet. */
  readonly #letIn = new Fifo<{ readonly waiter: Waiter; readonly guard: Guard }>();
  #isTelling = false;

  constructor(
    lock: { readonly kind: "mutex" | "semaphore"; readonly count: number },
    options: LockOptionValues,
    ports: SyncPorts,
  ) {
    const { name, waitersMax, diagnostics, logger } = options;
    this.what = name === undefined ? `a ${lock.kind}` : `${lock.kind} "${name}"`;
    this.#count = lock.count;
    this.#waitersMax = waitersMax;
    this.#clock = ports.clock;
    this.#timers = ports.timers;
    this.#sampler = new SiteSampler(diagnostics, ports.clock);
    this.events = new LockEvents(readLogger(logger, `new ${lock.kind}`));
    this.ordered = lock.count === 1 ? this.#asOrdered() : undefined;
  }

  get freeCount(): number {
    return this.#count - this.#holds.size;
  }

  get waitersCount(): number {
    return this.#line.size;
  }

  holders(): readonly Holder[] {
    const now = this.#clock.now();
    return Array.from(this.#holds, ({ who, site, sinceAt }) => ({
      holder: who,
      ...this.#sampler.told(site),
      sinceMs: Math.round(now - sinceAt),
    }));
  }

  /** A permit for the caller of `below`, at once or not at all. */
  tryTake(below: Below): Guard | undefined {
    if (this.freeCount === 0) return undefined;
    roomOnStack();
    const site = this.#sampler.sample(below);
    const reports = this.#noteOrder(site);
    const guard = this.#grant(enterLockFlow(site), site);
    for (const report of reports) report();
    return guard;
  }

  /** A permit for the caller of `below`. The promise must reach that caller as it is. */
  take(terms: WaitTerms, below: Below): Promise<Guard> {
    const refusal = this.#refusal(terms);
    if (refusal !== undefined) return refusal;
    roomOnStack();
    const site = this.#siteOf(below);
    const reports = this.#noteOrder(site);
    const waiting = site === undefined ? undefined : currentFlow();
    const flow = enterLockFlow(site);
    const granted =
      this.freeCount > 0
        ? withChain(this.#grant(flow, site), flow)
        : this.#wait(terms, { flow, site, waiting });
    for (const report of reports) report();
    return granted;
  }

  /** Calls `body` with a permit, in a flow of its own. */
  run<T>(body: () => T | PromiseLike<T>, terms: WaitTerms, below: Below): Promise<T> {
    const refusal = this.#refusal(terms);
    if (refusal !== undefined) return refusal;
    roomOnStack();
    const site = this.#siteOf(below);
    const reports = this.#noteOrder(site);
    const flow = this.#sampler.isOff ? undefined : new Flow(`run of ${this.what}`);
    const scope = async (): Promise<T> => {
      const isFree = this.freeCount > 0;
      const guard = isFree
        ? this.#grant(flow, site)
        : await this.#wait(terms, { flow, site, waiting: flow });
      try {
        return await body();
      } finally {
        guard[Symbol.dispose]();
      }
    };
    const result = flow === undefined ? scope() : runInFlow(flow, scope);
    for (const report of reports) report();
    return result;
  }

  released(hold: Hold): void {
    this.#holds.delete(hold);
    this.#movers = undefined;
    this.#letNextIn();
  }

  handedOn(): void {
    this.#movers = undefined;
  }

  lost({ site, sinceAt }: Hold, holder: string): void {
    const heldMs = Math.round(this.#clock.now() - sinceAt);
    const lost = { what: this.what, holder, ...this.#sampler.told(site), heldMs };
    this.events.warn(lost, "a guard was garbage-collected before it was released");
    this.events.emit("guard-lost", lost);
  }

  #asOrdered(): OrderedLock {
    return {
      what: this.what,
      report: (orders) => this.events.emit("lock-order", orders),
      warn: (orders) => this.events.warn(orders, "two locks were taken in both orders"),
    };
  }

  #letNextIn(): void {
    const next = this.freeCount > 0 ? this.#line.first : undefined;
    if (next === undefined) return;
    this.#line.delete(next);
    this.#letIn.push({ waiter: next, guard: this.#grant(next.flow, next.site) });
    this.#tell();
  }

  /** One after the other: to tell them runs hooks of the user's, which may release the next. */
  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      for (let next = this.#letIn.shift(); next !== undefined; next = this.#letIn.shift()) {
        next.waiter.leave();
        next.waiter.resolve(next.guard);
      }
    } finally {
      this.#isTelling = false;
    }
  }

  #siteOf(below: Below): CallSite | undefined {
    return this.freeCount > 0 ? this.#sampler.sample(below) : this.#sampler.capture(below);
  }

  #noteOrder(site: CallSite | undefined): readonly (() => void)[] {
    if (this.ordered === undefined || site === undefined) return NO_REPORTS;
    return noteOrder(this.ordered, currentFlow(), site);
  }

  #refusal({ signal }: WaitTerms): Promise<never> | undefined {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.freeCount > 0 || this.#line.size < this.#waitersMax) return undefined;
    const details = { what: this.what, waitersMax: this.#waitersMax };
    return Promise.reject(new UnjamError("UNJAM_TOO_MANY_WAITERS", details));
  }

  #grant(flow: Flow | undefined, site: CallSite | undefined): Guard {
    const hold = new Hold(this, { flow, site, at: this.#clock.now() });
    this.#holds.add(hold);
    this.#movers = undefined;
    return new Guard(hold);
  }

  /** At the end of the line. `waiting` is the flow that may be stuck with it. */
  #wait(
    { waitMs, signal }: WaitTerms,
    { flow, site, waiting }: Taker & { readonly waiting: Flow | undefined },
  ): Promise<Guard> {
    const { promise, resolve, reject } = Promise.withResolvers<Guard>();
    const since = this.#clock.now();
    const giveUp = (error: () => unknown): void => {
      // Somebody aborts while he is told that he was let in.
      if (!this.#line.delete(waiter)) return;
      flow?.end();
      reject(error());
      waiter.leave();
    };
    const onLate = (): void => giveUp(() => this.#lateError(since));
    let forgetSignal = (): void => undefined;
    const timer = Number.isFinite(waitMs) ? this.#timers.after(waitMs, onLate) : undefined;
    const leave = (): void => {
      timer?.cancel();
      forgetSignal();
    };
    const place = { before: undefined, after: undefined };
    const waiter: Waiter = { ...{ flow, site, resolve, leave }, ...place };
    this.#line.add(waiter);
    forgetSignal = watchAbort(signal, (reason) => giveUp(() => reason));
    // The promise and the timer ran hooks of the user's, which may have aborted it, or let go of the lock.
    if (signal?.aborted === true) giveUp(() => signal.reason);
    this.#letNextIn();
    if (waiting === undefined) return withChain(promise, flow);
    return waitInFlow({
      ...{ flow: waiting, what: this.what, site, settled: promise },
      ...{ timers: this.#timers, movers: () => (this.#movers ??= this.#readMovers()) },
      refuse: (error) => giveUp(() => error),
      ...(flow?.stand === undefined ? {} : { deliver: (guard, to) => guard.deliver(to) }),
    });
  }

  /**
   * Any holder can end the wait of all. Kept until the holders change: a search knows those who wait
   * for the same by their being the same object, and goes through the holders once.
   */
  #readMovers(): Movers {
    const flows: Flow[] = [];
    for (const { flow } of this.#holds) {
      if (flow === undefined) return "unknown";
      flows.push(flow);
    }
    return { need: "any", flows, isSure: flows.every(({ isSure }) => isSure) };
  }

  #lateError(since: MonotonicMs): UnjamError<"UNJAM_WAIT_TIMEOUT"> {
    const holders = this.holders();
    const named = holders.slice(0, HOLDERS_NAMED_MAX).map(describe);
    const rest = holders.length - named.length;
    return new UnjamError("UNJAM_WAIT_TIMEOUT", {
      what: `the wait for ${this.what}`,
      waitedMs: Math.round(this.#clock.now() - since),
      state: `held by ${named.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`,
    });
  }
}

const NO_REPORTS: readonly (() => void)[] = [];

function describe({ holder, site, siteKind, sinceMs }: Holder): string {
  return `${holder}${site === null ? "" : ` (${siteInWords(site, siteKind)})`} for ${sinceMs} ms`;
}
