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
 * - What the graph cannot see ends a wait too: its deadline, its signal, the other side of a race
 *   that somebody put around it. A cycle that only these would end is a deadlock all the same.
 */
import type { Timer, Timers } from "../core/clock.ts";
import type { UnjamError } from "../core/errors.ts";
import {
  CHAIN_FRAMES_MAX,
  SITE_FRAMES_MAX,
  WAIT_LOOK_FACTOR,
  WAIT_LOOK_MS_MAX,
  WAIT_LOOK_MS_MIN,
} from "../core/limits.ts";
import { provenFlows, watchListeners } from "./await-chain.ts";
import type { CallSite } from "./call-site.ts";
import { addProof, deadlockError, dropProof, findStuck, type ProvenWait } from "./deadlock.ts";
import type { Flow } from "./flow.ts";
import { captureStack, readFrames, type Stack } from "./stack-frames.ts";

/**
 * Who can end a wait: any of `flows` by itself, or all of them together. A wait that something
 * outside the graph may end has movers "unknown".
 */
export type Movers = { readonly need: "any" | "all"; readonly flows: readonly Flow[] } | "unknown";

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
  /** Finds out whether the wait is stuck; if so, everything that says so is proven again. */
  | "search"
  /** Proves it again, for a wait that is about to be refused. */
  | "confirm"
  /** The last of those that are proven again: refuses itself, if all still holds. */
  | "decide";

/** Counts the turns in which a cycle is proven again. */
let confirmationCount = 0;

class WatchedWait<T> implements ProvenWait {
  readonly what: string;
  readonly site: CallSite | undefined;
  readonly movers: () => Movers;
  readonly #wait: Wait<T>;
  #isSettled = false;
  /** Somebody may await it together with something else, so its chain proves nothing. */
  #isUncertain = false;
  #flows: readonly Flow[] = [];
  #confirmation = 0;
  #purpose: Purpose = "search";
  #timer: Timer | undefined;
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

  look(purpose: Purpose): void {
    this.#purpose = purpose;
    this.#wake?.();
  }

  /** Awaited by the caller: its continuations are where the chain can be seen. */
  async #watch(resolve: (value: T) => void): Promise<T> {
    const { flow, settled, timers, deliver } = this.#wait;
    const endWait = flow.beginWait(this);
    settled.then(this.#settle, this.#settle);
    timers.soon(() => this.#searchNow(WAIT_LOOK_MS_MIN));
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

  /** Now, and later, less and less often: somebody may begin to await it at any time. */
  #searchNow(nextMs: number): void {
    if (this.#isSettled) return;
    this.look("search");
    this.#timer = this.#wait.timers.after(
      nextMs,
      () => this.#searchNow(Math.min(nextMs * WAIT_LOOK_FACTOR, WAIT_LOOK_MS_MAX)),
      // The deadline of the wait holds the process; a look need not.
      { keepsAlive: false, repeats: true },
    );
  }

  #read(stack: Stack): void {
    const { flow, site } = this.#wait;
    this.#prove(this.#isUncertain ? [] : provenFlows(flow, readFrames(stack), site));
    this.#confirmation = confirmationCount;
    if (this.#purpose === "confirm") return;
    const stuck = findStuck(this);
    if (stuck === undefined) return;
    if (this.#purpose === "search") this.#confirm(stuck.waits);
    else if ([...stuck.waits].every((wait) => wait.isConfirmed)) {
      this.#wait.refuse(deadlockError(this, stuck));
    }
  }

  /** In a turn of its own, in which no code runs but the looks: what all of them see is true at once. */
  #confirm(stuck: ReadonlySet<ProvenWait>): void {
    this.#wait.timers.soon(() => {
      confirmationCount++;
      for (const wait of stuck) if (wait !== this) wait.look("confirm");
      this.look("decide");
    });
  }

  #prove(flows: readonly Flow[]): void {
    for (const flow of this.#flows) dropProof(flow, this);
    this.#flows = flows;
    for (const flow of flows) addProof(flow, this);
    this.#wait.onProof?.(flows);
  }
}
