/**
 * The threads that have opened one queue or lock: a table in its memory, a line each. What is
 * owned there is owned by the number of a line, and a line is given to another thread only when
 * everything that its former one held was taken back.
 *
 * Only one thread at a time takes things back, named in the word SWEEPER, which may be taken from
 * a thread that is gone: two at once could take from a thread that has just been given the line.
 */
import { UnjamError } from "../../core/errors.ts";
import { SHARED_PARTIES_MAX, SHARED_SWEEP_MS } from "../../core/limits.ts";
import { sharedNow } from "./shared-clock.ts";
import { isGone, ownThread } from "./thread-life.ts";

const LINE_WORDS = 16;
/** The first line is the table's own: no party has number 0. */
const SWEEPER = 0;
const SWEPT_AT = 1;

const THREAD = 0;
const SYSTEM_ID = 1;
const START_TICKS = 2;
/** Words of a line that are its party's own, for what the table knows nothing of. */
const OWN_WORDS = 4;

const NOW_MASK = 0x3fff_ffff;

export class Parties {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #what: string;

  /** `what`: the queue or lock in words, for errors. */
  constructor(words: Int32Array, at: number, what: string) {
    this.#words = words;
    this.#at = at;
    this.#what = what;
  }

  static readonly WORDS: number = LINE_WORDS * (SHARED_PARTIES_MAX + 1);

  /** Gives this thread a line. @throws UNJAM_TOO_MANY_THREADS */
  enter(takeBack: (party: number) => void): number {
    const party = this.#claimLine();
    if (party !== 0) return party;
    // From the last line, which is for this alone, the lines of those who are gone are freed.
    if (this.#claim(SHARED_PARTIES_MAX)) {
      this.#sweepAs(SHARED_PARTIES_MAX, takeBack);
      const second = this.#claimLine();
      this.leave(SHARED_PARTIES_MAX);
      if (second !== 0) return second;
    }
    const details = { what: this.#what, threadsMax: SHARED_PARTIES_MAX - 1 };
    throw new UnjamError("UNJAM_TOO_MANY_THREADS", details);
  }

  /** Gives the line back. The party owns nothing any more. */
  leave(party: number): void {
    // First, so that the next thread of this line is never taken for this one.
    Atomics.store(this.#words, this.#line(party) + SYSTEM_ID, 0);
    Atomics.store(this.#words, this.#line(party) + THREAD, 0);
  }

  /** Node's number of the party's thread; `undefined` when the line is nobody's. */
  threadOf(party: number): number | undefined {
    const word = Atomics.load(this.#words, this.#line(party) + THREAD);
    return word === 0 ? undefined : word - 1;
  }

  /** The place in memory of one of the party's own words, 0 to 11. Only its thread writes there. */
  ownWordAt(party: number, word: number): number {
    return this.#line(party) + OWN_WORDS + word;
  }

  /** The sum of one own word over all lines, those of parties that are gone included. */
  sum(word: number): number {
    let sum = 0;
    for (let party = 1; party <= SHARED_PARTIES_MAX; party++) {
      sum += Atomics.load(this.#words, this.ownWordAt(party, word)) >>> 0;
    }
    return sum;
  }

  /**
   * Calls `takeBack` for each party whose thread is gone, and frees its line. At most one thread
   * does it, and none when one did a short time ago: thousands may wait here.
   */
  sweep(me: number, takeBack: (party: number) => void, isUrgent: boolean): void {
    const sweptAt = this.#at + SWEPT_AT;
    const now = Math.trunc(sharedNow()) & NOW_MASK;
    const before = Atomics.load(this.#words, sweptAt);
    if (!isUrgent && Math.abs(now - before) < SHARED_SWEEP_MS) return;
    if (Atomics.compareExchange(this.#words, sweptAt, before, now) !== before && !isUrgent) return;
    this.#sweepAs(me, takeBack);
  }

  #sweepAs(me: number, takeBack: (party: number) => void): void {
    let isSweeper = false;
    for (let party = 1; party <= SHARED_PARTIES_MAX; party++) {
      if (!this.#isGone(party)) continue;
      isSweeper ||= this.#becomeSweeper(me);
      if (!isSweeper) return;
      // Another may have swept it, and a new thread have it, before this one was the sweeper.
      if (!this.#isGone(party)) continue;
      takeBack(party);
      this.leave(party);
    }
    if (isSweeper) Atomics.store(this.#words, this.#at + SWEEPER, 0);
  }

  #becomeSweeper(me: number): boolean {
    const sweeperAt = this.#at + SWEEPER;
    const sweeper = Atomics.load(this.#words, sweeperAt);
    if (sweeper !== 0 && !this.#isGone(sweeper)) return false;
    return Atomics.compareExchange(this.#words, sweeperAt, sweeper, me) === sweeper;
  }

  #isGone(party: number): boolean {
    const line = this.#line(party);
    const thread = Atomics.load(this.#words, line + THREAD);
    if (thread === 0) return false;
    const systemId = Atomics.load(this.#words, line + SYSTEM_ID);
    const startTicks = Atomics.load(this.#words, line + START_TICKS);
    return isGone({ threadId: thread - 1, systemId, startTicks });
  }

  #claimLine(): number {
    for (let party = 1; party < SHARED_PARTIES_MAX; party++) if (this.#claim(party)) return party;
    return 0;
  }

  /** One CAS names the thread; until the rest is written, only its exit event can tell of its end. */
  #claim(party: number): boolean {
    const line = this.#line(party);
    const { threadId, systemId, startTicks } = ownThread();
    if (Atomics.load(this.#words, line + THREAD) !== 0) return false;
    if (Atomics.compareExchange(this.#words, line + THREAD, 0, threadId + 1) !== 0) return false;
    Atomics.store(this.#words, line + START_TICKS, startTicks);
    Atomics.store(this.#words, line + SYSTEM_ID, systemId);
    return true;
  }

  #line(party: number): number {
    return this.#at + LINE_WORDS * party;
  }
}
