/**
 * Who waits for which lock and holds which others, in words that all threads of the process can
 * read. Who waits writes a row: what it waits for, and everything that it holds and will not let
 * go before. So the rows alone say whether a wait can end: a lock is stuck when as many of its
 * permits as it has are held by rows that are stuck themselves.
 *
 * A row is true from when its number becomes odd until it becomes even again. What is read of
 * several rows counts only when all their numbers are still the same at the end. A row of a thread
 * that waits holds what it says for all that time, because its thread is asleep; one of an event
 * loop is there as long as the await chain proves that the flow waits (sync/await-chain.ts).
 */
import { randomInt } from "node:crypto";
import { SHARED_HOLDS_TOLD_MAX, SHARED_ROW_BYTES, SHARED_ROWS_MAX } from "../../core/limits.ts";
import { type SiteKind, siteKindOf, UNKNOWN_PLACE } from "../../core/site-words.ts";
import type { OrderedTaking } from "../../sync/lock-order.ts";
import { TextCell } from "./text-cell.ts";
import { isGone, ownThread } from "./thread-life.ts";

const ROW_WORDS = SHARED_ROW_BYTES / 4;

/** Words of the first row, which is the board's own. */
const BOARD_ID = 0;
const TICKETS = 2;

/** The number of its thread, plus 1; -1 while it is being claimed. */
const THREAD = 0;
const SYSTEM_ID = 1;
const START_TICKS = 2;
const NUMBER = 3;
const TICKET = 4;
const LOCK = 5;
const PERMITS = 7;
const HOLDS_COUNT = 8;
const HOLDS = 9;
const TEXT = HOLDS + 2 * SHARED_HOLDS_TOLD_MAX;
const TEXT_BYTES_MAX = 4 * (ROW_WORDS - TEXT - 1);

const CLAIMED = -1;

/** A lock, for comparison: two words that no other lock of the process has. */
export type LockId = readonly [number, number];

/** What a wait says of itself. Texts are for people. */
export interface BoardWait {
  readonly lock: LockId;
  /** How many may hold it. */
  readonly permits: number;
  readonly holds: readonly LockId[];
  readonly told: ToldWait;
}

export interface ToldWait {
  readonly who: string;
  readonly waitsFor: string;
  readonly waitSite: string;
  readonly waitSiteKind: SiteKind | null;
  /** As many as `holds`, in the same order. */
  readonly holds: readonly OrderedTaking[];
}

/** A row as it was read. */
export interface BoardRow extends BoardWait {
  readonly row: number;
  readonly number: number;
  /** Later waits have higher ones. */
  readonly ticket: number;
}

export class WaitBoard {
  readonly memory: SharedArrayBuffer;
  readonly id: string;
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
    this.id = `${this.#words[BOARD_ID]} ${this.#words[BOARD_ID + 1]}`;
  }

  static make(): WaitBoard {
    const memory = new SharedArrayBuffer(SHARED_ROW_BYTES * (SHARED_ROWS_MAX + 1));
    new Int32Array(memory).set([randomInt(2 ** 31), randomInt(2 ** 31)], BOARD_ID);
    return new WaitBoard(memory);
  }

  /** Writes a row; 0 when there is no free one: then nobody sees this wait. */
  post(wait: BoardWait): number {
    const row = this.#claim();
    if (row === 0) return 0;
    const words = this.#words;
    const at = row * ROW_WORDS;
    const holds = wait.holds.slice(0, SHARED_HOLDS_TOLD_MAX);
    Atomics.store(words, at + TICKET, Atomics.add(words, TICKETS, 1));
    this.#storeLock(at + LOCK, wait.lock);
    Atomics.store(words, at + PERMITS, wait.permits);
    Atomics.store(words, at + HOLDS_COUNT, holds.length);
    for (const [index, hold] of holds.entries()) this.#storeLock(at + HOLDS + 2 * index, hold);
    new TextCell(words, at + TEXT, TEXT_BYTES_MAX).write(textOf(wait.told));
    Atomics.add(words, at + NUMBER, 1);
    return row;
  }

  /** The wait is over. */
  remove(row: number): void {
    Atomics.add(this.#words, row * ROW_WORDS + NUMBER, 1);
    Atomics.store(this.#words, row * ROW_WORDS + THREAD, 0);
  }

  /** All rows that are true now. */
  rows(): readonly BoardRow[] {
    const rows: BoardRow[] = [];
    for (let row = 1; row <= SHARED_ROWS_MAX; row++) {
      const number = this.#numberOf(row);
      if (number % 2 === 0) continue;
      const read = this.#read(row, number);
      if (this.#numberOf(row) === number) rows.push(read);
    }
    return rows;
  }

  /** Whether all of them are as they were when they were read, and their threads alive. */
  areStill(rows: Iterable<BoardRow>): boolean {
    for (const { row, number } of rows) {
      if (this.#isOfTheDead(row) || this.#numberOf(row) !== number) return false;
    }
    return true;
  }

  #claim(): number {
    const { threadId, systemId, startTicks } = ownThread();
    const words = this.#words;
    for (let row = 1; row <= SHARED_ROWS_MAX; row++) {
      const at = row * ROW_WORDS;
      const thread = Atomics.load(words, at + THREAD);
      if (thread !== 0 && !this.#isOfTheDead(row)) continue;
      // Node never gives a thread's number again, so what was read of it still holds.
      if (Atomics.compareExchange(words, at + THREAD, thread, CLAIMED) !== thread) continue;
      if (this.#numberOf(row) % 2 !== 0) Atomics.add(words, at + NUMBER, 1);
      Atomics.store(words, at + SYSTEM_ID, systemId);
      Atomics.store(words, at + START_TICKS, startTicks);
      Atomics.store(words, at + THREAD, threadId + 1);
      return row;
    }
    return 0;
  }

  #isOfTheDead(row: number): boolean {
    const at = row * ROW_WORDS;
    const thread = Atomics.load(this.#words, at + THREAD);
    if (thread <= 0) return false;
    const systemId = Atomics.load(this.#words, at + SYSTEM_ID);
    const startTicks = Atomics.load(this.#words, at + START_TICKS);
    return isGone({ threadId: thread - 1, systemId, startTicks });
  }

  #numberOf(row: number): number {
    return Atomics.load(this.#words, row * ROW_WORDS + NUMBER);
  }

  #read(row: number, number: number): BoardRow {
    const words = this.#words;
    const at = row * ROW_WORDS;
    const count = Math.min(Atomics.load(words, at + HOLDS_COUNT), SHARED_HOLDS_TOLD_MAX);
    return {
      ...{ row, number },
      ticket: Atomics.load(words, at + TICKET),
      lock: this.#loadLock(at + LOCK),
      permits: Atomics.load(words, at + PERMITS),
      holds: Array.from({ length: count }, (_, index) => this.#loadLock(at + HOLDS + 2 * index)),
      told: toldOf(new TextCell(words, at + TEXT, TEXT_BYTES_MAX).read()),
    };
  }

  #storeLock(at: number, [first, second]: LockId): void {
    Atomics.store(this.#words, at, first);
    Atomics.store(this.#words, at + 1, second);
  }

  #loadLock(at: number): LockId {
    return [Atomics.load(this.#words, at), Atomics.load(this.#words, at + 1)];
  }
}

/** Lines of tab-separated texts: a text that was cut is still read as far as it goes. */
function textOf({ who, waitsFor, waitSite, waitSiteKind, holds }: ToldWait): string {
  const lines = [
    [who, waitsFor, waitSite, waitSiteKind ?? ""],
    ...holds.map(({ what, site, siteKind }) => [what, site, siteKind ?? ""]),
  ];
  return lines
    .map((texts) => texts.map((text) => text.replaceAll(/[\t\n]/g, " ")).join("\t"))
    .join("\n");
}

function toldOf(text: string | undefined): ToldWait {
  const [first = "", ...rest] = (text ?? "").split("\n");
  const [who = "a thread", waitsFor = "a lock", waitSite = UNKNOWN_PLACE, kind] = first.split("\t");
  const holds = rest.map((line) => {
    const [what = "a lock", site = UNKNOWN_PLACE, of] = line.split("\t");
    return { what, site, siteKind: siteKindOf(of) };
  });
  return { who, waitsFor, waitSite, waitSiteKind: siteKindOf(kind), holds };
}
