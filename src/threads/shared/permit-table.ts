/**
 * The permits of a shared lock as one thread works on them. Nothing here waits. A permit changes
 * hands by one CAS of its owner word, so whoever dies leaves a permit that says who had it.
 *
 * Who comes by may take a permit before those who wait for one: handing it over would cost a
 * wake-up each time. But who has waited for LOCK_PATIENCE_MS may make himself the heir, and then all
 * others let him. An heir whose event loop is busy loses that again after HEIR_MS.
 */
import { LOCK_HEIR_MS } from "../../core/limits.ts";
import type { SiteKind } from "../../core/site-words.ts";
import type { CallSite } from "../../sync/call-site.ts";
import type { FormerHolder } from "../../sync/guard.ts";
import {
  FORMER,
  HEIR,
  HEIR_AT,
  type LockMemory,
  OWNER,
  PERMIT_WORDS,
  SINCE,
} from "./lock-memory.ts";
import { sharedNow } from "./shared-clock.ts";
import type { NotedSite } from "./site-places.ts";
import { threadName } from "./thread-life.ts";

const PARTY_MASK = 255;
const HOLD_SHIFT = 8;
const NOW_MASK = 0x3fff_ffff;

/** A permit that this thread holds. */
export interface Permit {
  readonly index: number;
  /** Its owner word while it is held. */
  readonly word: number;
  readonly formerDied: FormerHolder | undefined;
}

/** Who holds a permit now. */
export interface SharedLockHolder {
  /** The thread, in words. */
  readonly who: string;
  /** `orders.ts:31 in bookOrder`; `undefined` when its place was not noted. */
  readonly site: string | undefined;
  /** What that place is: see {@link SiteKind}; `null` when it was not noted. */
  readonly siteKind: SiteKind | null;
  readonly sinceMs: number;
}

export class PermitTable {
  readonly memory: LockMemory;
  readonly #party: number;
  #holdCount = 0;
  #waitCount = 0;

  constructor(memory: LockMemory) {
    this.memory = memory;
    this.#party = memory.parties.enter((party) => this.#takeBack(party));
  }

  get freeCount(): number {
    let count = 0;
    for (let index = 0; index < this.memory.permitCount; index++) {
      if (this.#owner(index) === 0) count++;
    }
    return count;
  }

  /** A number for a wait, by which it may become the heir. */
  newWait(): number {
    this.#waitCount = (this.#waitCount + 1) & (NOW_MASK >>> HOLD_SHIFT);
    return (this.#waitCount << HOLD_SHIFT) | this.#party;
  }

  /** A free permit, unless an heir is to have it. `wait`: the number of a wait, 0 of a mere passer-by. */
  take(wait: number): Permit | undefined {
    const { words, permitCount } = this.memory;
    const heir = Atomics.load(words, HEIR);
    if (heir !== 0 && heir !== wait && !this.#isHeirLate(heir)) return undefined;
    const word = this.#newHold();
    for (let index = 0; index < permitCount; index++) {
      const at = this.#at(index);
      if (Atomics.load(words, at + OWNER) !== 0) continue;
      if (Atomics.compareExchange(words, at + OWNER, 0, word) !== 0) continue;
      this.memory.doubles[(at + SINCE) / 2] = sharedNow();
      if (heir === wait && heir !== 0) this.renounce(wait);
      return { index, word, formerDied: this.#former(index) };
    }
    return undefined;
  }

  /** From now on the next permit is for this wait, if there is no other heir. */
  inherit(wait: number): void {
    const { words } = this.memory;
    if (Atomics.load(words, HEIR) !== 0) return;
    Atomics.store(words, HEIR_AT, nowWord());
    Atomics.compareExchange(words, HEIR, 0, wait);
  }

  /** The wait is over; others may take what comes. */
  renounce(wait: number): void {
    const { words, bell } = this.memory;
    if (Atomics.compareExchange(words, HEIR, wait, 0) === wait) bell.ring();
  }

  noteSite({ index, word }: Permit, site: CallSite): void {
    this.memory.sites.write(index, word, site);
  }

  release({ index, word }: Permit): void {
    Atomics.compareExchange(this.memory.words, this.#at(index) + OWNER, word, 0);
    this.memory.bell.ring();
  }

  holders(): readonly SharedLockHolder[] {
    const { parties, sites, doubles, permitCount } = this.memory;
    const now = sharedNow();
    const holders: SharedLockHolder[] = [];
    for (let index = 0; index < permitCount; index++) {
      const word = this.#owner(index);
      if (word === 0) continue;
      const thread = parties.threadOf(word & PARTY_MASK);
      holders.push({
        who: thread === undefined ? "a thread that is gone" : threadName(thread),
        ...told(sites.read(index, word)),
        sinceMs: Math.max(0, now - (doubles[(this.#at(index) + SINCE) / 2] ?? now)),
      });
    }
    return holders;
  }

  /** Frees what threads that are gone still held. */
  sweep(isUrgent: boolean): void {
    this.memory.parties.sweep(this.#party, (party) => this.#takeBack(party), isUrgent);
  }

  leave(): void {
    this.#takeBack(this.#party);
    this.memory.parties.leave(this.#party);
  }

  #takeBack(party: number): void {
    const { words, permitCount, parties, bell } = this.memory;
    const heir = Atomics.load(words, HEIR);
    if ((heir & PARTY_MASK) === party) Atomics.compareExchange(words, HEIR, heir, 0);
    for (let index = 0; index < permitCount; index++) {
      const word = this.#owner(index);
      if ((word & PARTY_MASK) !== party) continue;
      const thread = parties.threadOf(party);
      if (thread !== undefined) Atomics.store(words, this.#at(index) + FORMER, thread + 1);
      Atomics.compareExchange(words, this.#at(index) + OWNER, word, 0);
    }
    bell.alarm();
  }

  #former(index: number): FormerHolder | undefined {
    const formerAt = this.#at(index) + FORMER;
    if (Atomics.load(this.memory.words, formerAt) === 0) return undefined;
    const thread = Atomics.exchange(this.memory.words, formerAt, 0) - 1;
    return { who: threadName(thread), ...told(this.memory.sites.last(index)) };
  }

  /** Its thread is alive, else a sweep had ended this; but it may not get to its turn. */
  #isHeirLate(heir: number): boolean {
    const { words } = this.memory;
    if (Math.abs(nowWord() - Atomics.load(words, HEIR_AT)) < LOCK_HEIR_MS) return false;
    return Atomics.compareExchange(words, HEIR, heir, 0) === heir;
  }

  #newHold(): number {
    this.#holdCount = (this.#holdCount + 1) & 0x7f_ffff;
    return (this.#holdCount << HOLD_SHIFT) | this.#party;
  }

  #owner(index: number): number {
    return Atomics.load(this.memory.words, this.#at(index) + OWNER);
  }

  #at(index: number): number {
    return this.memory.permitsAt + index * PERMIT_WORDS;
  }
}

function told(noted: NotedSite | undefined): {
  readonly site: string | undefined;
  readonly siteKind: SiteKind | null;
} {
  return noted ?? { site: undefined, siteKind: null };
}

function nowWord(): number {
  return Math.trunc(sharedNow()) & NOW_MASK;
}
