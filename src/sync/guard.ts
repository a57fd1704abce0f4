/* oxlint-disable typescript/unbound-method -- methods name themselves, as the function that a stack begins below. */
import type { MonotonicMs } from "../core/clock.ts";
import { UnjamError } from "../core/errors.ts";
import { invariant } from "../core/invariant.ts";
import type { SiteKind } from "../core/site-words.ts";
import { CallSite } from "./call-site.ts";
import { enterFlow, Flow, handOver, type Holding } from "./flow.ts";
import type { OrderedLock } from "./lock-order.ts";
import type { Member } from "./roster.ts";
import { roomOnStack } from "./stack-room.ts";
import type { Below } from "./stack-frames.ts";
import type { Recipient } from "./wait-graph.ts";

/** A thread that died while it held a lock. */
export interface FormerHolder {
  /** The thread, in words. */
  readonly who: string;
  /** Where it took the lock; `undefined` when that was not noted. */
  readonly site: string | undefined;
  /** What that place is: see {@link SiteKind}; `null` when it was not noted. */
  readonly siteKind: SiteKind | null;
}

/** What a guard tells the lock that it is of. */
export interface GuardOwner {
  /** In words: `mutex "orders"`. */
  readonly what: string;
  /** Set when only one can hold it, so that the order in which it is taken matters. */
  readonly ordered: OrderedLock | undefined;
  /** The permit is free again. */
  released(hold: Hold): void;
  /** A permit is held by another flow than before. */
  handedOn(): void;
  /** The collector found its guard, and the permit was freed. `who` held it. */
  lost(hold: Hold, who: string): void;
}

/** One permit that is held. It must not know its guard, which the collector may find. */
export class Hold implements Member<Hold> {
  readonly owner: GuardOwner;
  readonly site: CallSite | undefined;
  readonly sinceAt: MonotonicMs;
  before: Hold | undefined;
  after: Hold | undefined;
  #flow: Flow | undefined;
  #state: "held" | "released" = "held";
  readonly #holding: Holding;

  constructor(
    owner: GuardOwner,
    taken: {
      readonly flow: Flow | undefined;
      readonly site: CallSite | undefined;
      readonly at: MonotonicMs;
    },
  ) {
    this.owner = owner;
    this.site = taken.site;
    this.sinceAt = taken.at;
    this.#flow = taken.flow;
    const { what, ordered } = owner;
    this.#holding = { what, site: taken.site, ordered };
    this.#flow?.hold(this.#holding);
  }

  get flow(): Flow | undefined {
    return this.#flow;
  }

  get isHeld(): boolean {
    return this.#state === "held";
  }

  /** The holder, in words. */
  get who(): string {
    return this.#flow?.name ?? "a call whose place was not noted";
  }

  /** Gives the permit back; false when that was done before. */
  release(): boolean {
    if (this.#state === "released") return false;
    this.#state = "released";
    this.#flow?.end();
    this.owner.released(this);
    return true;
  }

  /** Gives the guard to the caller that awaits it by `resolve`. */
  deliver(guard: Guard, { resolve, chain }: Recipient<Guard>): void {
    const flow = this.#flow;
    invariant(flow?.stand !== undefined, "only who called lock() has a guard delivered, once");
    flow.stand.granted(chain);
    handOver(guard, resolve, { flow, claim: () => this.adopt({ isOwnTurn: true }) });
  }

  /**
   * From here on it belongs to whoever runs now, in the holder's own turn, from which the flow
   * leaks to nobody: a `using` declaration takes the guard, or the holder goes on with it.
   */
  adopt(how: { readonly isOwnTurn: boolean; readonly below?: Below | undefined }): void {
    const stand = this.#flow?.stand;
    // There is none in run(), and none any more when it was released.
    if (stand === undefined) return;
    const moved = stand.moved(CallSite.capture(how.below), how.isOwnTurn);
    this.#flow?.end();
    this.#flow = new Flow(moved);
    this.#flow.hold(this.#holding);
    this.owner.handedOn();
    enterFlow(this.#flow);
  }
}

/** Tells when a guard was dropped unreleased, if and when the collector finds it. */
const lostGuards = new FinalizationRegistry<Hold>((hold) => {
  const { who } = hold;
  hold.release();
  hold.owner.lost(hold, who);
});

/**
 * The right to be where the lock lets only so many in. Leave it with `using`, or release it in a
 * `finally`. A guard that the collector finds unreleased is released then and reported by the
 * `guard-lost` event: a net, not a way to let go.
 *
 * @example
 * import { Mutex } from "unjam/sync";
 * const orders = new Mutex({ name: "orders" });
 * const guard = await orders.lock({ waitMs: 1_000 });
 * try {
 *   console.log(guard.isHeld, orders.isLocked); // true true
 * } finally {
 *   guard.release();
 * }
 */
export class Guard implements Disposable {
  /**
   * Who held it before, when that was a thread that died holding it: what the lock protects may be
   * half changed. Always `undefined` for locks inside one thread.
   */
  readonly formerDied: FormerHolder | undefined;
  readonly #hold: Hold;
  #isUsed = false;

  /** Not for users: `lock()` and `tryLock()` make it. */
  constructor(hold: Hold, formerDied?: FormerHolder) {
    this.#hold = hold;
    this.formerDied = formerDied;
    lostGuards.register(this, hold, hold);
  }

  /** Whether it was not released yet. */
  get isHeld(): boolean {
    return this.#hold.isHeld;
  }

  /**
   * Lets the next one in. What the next one does starts in a turn of its own.
   * @throws UNJAM_LEASE_SETTLED when it was released before
   */
  release(): void {
    if (this.#letGo()) return;
    throw new UnjamError("UNJAM_LEASE_SETTLED", { what: `the guard of ${this.#hold.owner.what}` });
  }

  /** Releases it; does nothing when it was released before. */
  get [Symbol.dispose](): () => void {
    // A `using` declaration reads this as soon as it has the guard.
    if (!this.#isUsed) {
      this.#isUsed = true;
      this.#hold.adopt({ isOwnTurn: false, below: disposeGetter });
    }
    return () => void this.#letGo();
  }

  /** Gives it to the caller that awaits it; not for users. */
  deliver(to: Recipient<Guard>): void {
    this.#hold.deliver(this, to);
  }

  #letGo(): boolean {
    // Half a release would hold the permit for ever.
    roomOnStack();
    lostGuards.unregister(this.#hold);
    return this.#hold.release();
  }
}

const disposeGetter = Object.getOwnPropertyDescriptor(Guard.prototype, Symbol.dispose)?.get;
