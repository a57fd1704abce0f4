/**
 * Who waits for whom, in this process. A wait that blocks inside a flow is watched: again and
 * again it reads its own await chain, which says which flows really await it, and when all that
 * could end it waits, directly or not, for itself, it is refused with UNJAM_DEADLOCK.
 *
 * A wrong refusal would break a program that is right; a missed one costs the wait's deadline. So
 * everything that is not proven counts as "will end":
 * - An edge needs a flow whose frames are in the await chain (await-chain.ts).
 * - A flow counts as stuck when all its proven waits are: of two waits that race, one may end.
 * - Before a refusal every edge of the cycle is proven again, all in one turn, because a flow may
 *   have turned to something else since (it may have raced the wait against a timer).
 * - A cycle that somebody outside of it could undo, with a guard that he was given or by one more
 *   consumer, must stand for DEADLOCK_STANDS_MS before it counts, made of the same waits at the end
 *   as at the beginning. A wait whose deadline comes first ends there, with the cycle for its reason.
 * - What the graph cannot see ends a wait too: its deadline, its signal, the other side of a race
 *   that somebody put around an async function that waits. A cycle that only these would end is a
 *   deadlock all the same. A race around the promise of the wait itself is seen, and proves nothing.
 * - A guard in a `using` declaration is taken to stay there: who else has it, and releases it before
 *   the block ends, is seen only as a sibling in `Promise.all`.
 *
 * One wait of a cycle leads: it alone is watched, proven again and refused. The others of a thousand
 * that hold each other would only do the same work again.
 */
import type { Timer, Timers } from "../core/clock.ts";
import { isUnjamError, type UnjamError } from "../core/errors.ts";
import {
  CHAIN_FRAMES_MAX,
  DEADLOCK_STANDS_MS,
  SITE_FRAMES_MAX,
  WAIT_LOOK_FACTOR,
  WAIT_LOOK_MS_MAX,
  WAIT_LOOK_MS_MIN,
} from "../core/limits.ts";
import { provenFlows, watchListeners } from "./await-chain.ts";
import type { CallSite } from "./call-site.ts";
import {
  addProof,
  deadlockError,
  dropProof,
  type Leader,
  type ProvenWait,
  WaitGraph,
} from "./deadlock.ts";
import type { Flow } from "./flow.ts";
import { type Looker, lookLineOf } from "./look-line.ts";
import { captureStack, readFrames, type Stack } from "./stack-frames.ts";

/**
 * Who can end a wait: any of `flows` by itself, or all of them together. `isSure` when nobody else
 * can; else somebody might who is not known. What is sure to be in other hands is "unknown".
 */
export type Movers =
  | { readonly need: "any" | "all"; readonly flows: readonly Flow[]; readonly isSure: boolean }
  | "unknown";

/** The caller of a wait that has ended well. */
export interface Recipient<T> {
  readonly resolve: (value: T) => void;
  /** The await chain, read while the caller still waits. */
  readonly chain: Stack;
}

/** A wait that blocks inside a flow. */
export interface Wait<T> {
  readonly flow: Flow;
  /** In words: `room in queue "lines"`. */
  readonly what: string;
  /** Asked anew at each look. Must not run code of the user. */
  readonly movers: () => Movers;
  /** The plain wait. */
  readonly settled: Promise<T>;
  /** Takes it out of its line and rejects `settled` with the error. */
  readonly refuse: (error: UnjamError) => void;
  readonly timers: Timers;
  readonly site: CallSite | undefined;
  /** Told which flows really wait for it, each time that this was read anew; none when it is over. */
  readonly onProof?: (flows: readonly Flow[]) => void;
  /** Resolves the caller's promise in place of the plain `resolve(value)`; gets the await chain too. */
  readonly deliver?: (value: T, to: Recipient<T>) => void;
}

/**
 * Watches a wait. The returned promise is the one that the caller must get: it is what the await
 * chain hangs on.
 */
export function waitInFlow<T>(wait: Wait<T>): Promise<T> {
  return new WatchedWait(wait).result();
}

/** What a look at the await chain is for. */
type Purpose =
  /** Before a search whether it is stuck; if it is, everything that says so is proven again. */
  | "search"
  /** Proves it again, for a wait that is about to be refused. */
  | "confirm"
  /** The last of those that are proven again: refuses itself, if all still holds. */
  | "decide";

/** Counts the turns in which a cycle is proven again. */
let confirmationCount = 0;

class WatchedWait<T> implements ProvenWait, Leader, Looker {
  readonly what: string;
  readonly site: CallSite | undefined;
  readonly movers: () => Movers;
  leader: Leader | undefined;
  readonly #wait: Wait<T>;
  #isSettled = false;
  /** Somebody may await it together with something else, so its chain proves nothing. */
  #isUncertain = false;
  #flows: readonly Flow[] = [];
  #confirmation = 0;
  #purpose: Purpose = "search";
  /** Set while it leads: the waits that hold it. */
  #suspects: ReadonlySet<ProvenWait> | undefined;
  #timer: Timer | undefined;
  /** How long after its next look it looks again. */
  #nextMs = WAIT_LOOK_MS_MIN;
  #wake: (() => void) | undefined;

  constructor(wait: Wait<T>) {
    this.#wait = wait;
    this.what = wait.what;
    this.site = wait.site;
    this.movers = wait.movers;
  }

  result(): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    // With these two and nothing else, the await chain leads from the one promise to the other.
    this.#watch(resolve).then(resolve, reject);
    watchListeners(promise, () => {
      this.#isUncertain = true;
    });
    return promise;
  }

  get isConfirmed(): boolean {
    return this.#confirmation === confirmationCount;
  }

  get isLeading(): boolean {
    return this.#suspects !== undefined && !this.#isSettled;
  }

  look(purpose: Purpose): void {
    this.#purpose = purpose;
    this.#wake?.();
  }

  /** Awaited by the caller: its continuations are where the chain can be seen. */
  async #watch(resolve: (value: T) => void): Promise<T> {
    const { flow, settled, timers, deliver } = this.#wait;
    const endWait = flow.beginWait(this);
    settled.then(this.#settle, this.#settle);
    lookLineOf(timers).join(this);
    try {
      while (!this.#isSettled) {
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
        if (!this.#isSettled) this.#read(captureStack(CHAIN_FRAMES_MAX));
      }
      const value = await settled;
      // Below this function, whose frame would keep this wait, and with it what it came to.
      // oxlint-disable-next-line typescript/unbound-method -- only its identity counts.
      deliver?.(value, { resolve, chain: captureStack(SITE_FRAMES_MAX, this.#watch) });
      return value;
    } catch (error) {
      throw this.#reasonOf(error, captureStack(CHAIN_FRAMES_MAX));
    } finally {
      endWait();
      this.#prove([]);
    }
  }

  readonly #settle = (): void => {
    this.#isSettled = true;
    this.#timer?.cancel();
    this.#wake?.();
  };

  /** Looks now, and later, less and less often: somebody may begin to await it at any time. */
  begin(): boolean {
    if (this.#isSettled) return false;
    this.#lookAfter(this.#nextMs);
    this.#nextMs = Math.min(this.#nextMs * WAIT_LOOK_FACTOR, WAIT_LOOK_MS_MAX);
    this.look("search");
    return true;
  }

  #lookAfter(delayMs: number): void {
    this.#timer?.cancel();
    const { timers } = this.#wait;
    // The deadline of the wait holds the process; a look need not.
    const how = { keepsAlive: false, repeats: true };
    this.#timer = timers.after(delayMs, () => lookLineOf(timers).join(this), how);
  }

  #read(stack: Stack): void {
    this.#proveBy(stack);
    this.#confirmation = confirmationCount;
    if (this.#purpose === "decide") this.#decide();
  }

  #proveBy(stack: Stack): void {
    const { flow, site } = this.#wait;
    this.#prove(this.#isUncertain ? [] : provenFlows(flow, readFrames(stack), site));
  }

  search(graph: WaitGraph): void {
    const isLed = this.leader !== this && this.leader?.isLeading === true;
    const stuck = isLed ? undefined : graph.findStuck(this);
    const suspects = this.#suspects;
    this.#suspects = stuck?.waits;
    if (stuck === undefined) {
      // Who is led looks again when his leader is through, one way or the other.
      if (isLed) this.#standFor();
      return;
    }
    for (const wait of stuck.waits) wait.leader = this;
    if (stuck.isSure || areSame(stuck.waits, suspects)) this.#confirm(stuck.waits);
    else this.#standFor();
  }

  #standFor(): void {
    this.#nextMs = DEADLOCK_STANDS_MS;
    this.#lookAfter(DEADLOCK_STANDS_MS);
  }

  /** In a turn of its own, in which no code runs but the looks: what all of them see is true at once. */
  #confirm(stuck: ReadonlySet<ProvenWait>): void {
    this.#wait.timers.soon(() => {
      confirmationCount++;
      for (const wait of stuck) if (wait !== this) wait.look("confirm");
      this.look("decide");
    });
  }

  #decide(): void {
    const suspects = this.#suspects;
    this.#suspects = undefined;
    const stuck = new WaitGraph().findStuck(this);
    if (stuck === undefined || ![...stuck.waits].every((wait) => wait.isConfirmed)) return;
    // What was only sure by waits that have ended since must stand for as long as any other.
    if (stuck.isSure || areSame(stuck.waits, suspects)) {
      this.#wait.refuse(deadlockError(this, stuck));
    }
  }

  /** At a deadline it is not the deadline that is the reason, when nobody could have ended it before. */
  #reasonOf(error: unknown, stack: Stack): unknown {
    if (!isUnjamError(error) || !LATE.has(error.code)) return error;
    this.#proveBy(stack);
    const stuck = new WaitGraph().findStuck(this);
    return stuck === undefined ? error : deadlockError(this, stuck);
  }

  #prove(flows: readonly Flow[]): void {
    for (const flow of this.#flows) dropProof(flow, this);
    this.#flows = flows;
    for (const flow of flows) addProof(flow, this);
    this.#wait.onProof?.(flows);
  }
}

/** How waits end at their deadlines. */
const LATE: ReadonlySet<string> = new Set([
  "UNJAM_WAIT_TIMEOUT",
  "UNJAM_QUEUE_FULL",
  "UNJAM_JOIN_TIMEOUT",
]);

function areSame(
  waits: ReadonlySet<ProvenWait>,
  others: ReadonlySet<ProvenWait> | undefined,
): boolean {
  return others?.size === waits.size && [...waits].every((wait) => others.has(wait));
}
