/**
 * Where the items of a shared queue lie: blocks of one size, each with a head of eight words, and
 * pages for what does not fit into one.
 */
import {
  asNextUse,
  asState,
  FREE,
  isAvailable,
  ownerOf,
  stateOf,
  TAKEN,
  WRITING,
} from "./block-word.ts";
import type { IndexRing } from "./index-ring.ts";
import { ASCII, decodeItem, type EncodedItem, type ItemBytes, TEXT } from "./item-codec.ts";
import type { Pages } from "./pages.ts";

export const HEAD_WORDS = 8;
const WORD = 0;
const LENGTH = 1;
const TAG = 2;
const LOSSES = 3;
/** The first page, plus 1; 0 when the item lies in the block itself. */
const PAGE = 4;
/** What the counter of its owner is when the settlement has been counted. */
const COUNTED = 5;
/** Two words: when it was taken, as a double. */
const TAKEN_AT = 6;

export const NO_BLOCK = -1;
const NO_PAGES = -2;

/** After so many blocks the low ones are tried again, so that a queue that is nearly empty stays in the cache. */
const STRETCH = 256;

/** The parts of a queue's memory that its blocks are in. */
export interface BlockRoom {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Buffer;
  /** The first word of the first block, even. */
  readonly at: number;
  readonly count: number;
  /** Room for an item in a block, in bytes, a multiple of eight. */
  readonly slotBytes: number;
  readonly pages: Pages;
}

export class Blocks {
  readonly count: number;
  /** The block whose word this thread was last about to make its own; -1: none since it was reset. */
  touched = -1;
  readonly #room: BlockRoom;
  readonly #words: Int32Array;
  readonly #stride: number;
  #cursor = 0;
  /** Where the cursor was before it tried the low blocks; -1 when it goes on from where it is. */
  #resume = -1;

  constructor(room: BlockRoom) {
    this.count = room.count;
    this.#room = room;
    this.#words = room.words;
    this.#stride = strideWords(room.slotBytes);
  }

  static wordsFor(count: number, slotBytes: number): number {
    return count * strideWords(slotBytes);
  }

  word(block: number): number {
    return Atomics.load(this.#words, this.#at(block) + WORD);
  }

  /** One change of hands; false when somebody else was faster. */
  move(block: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, this.#at(block) + WORD, from, to) === from;
  }

  /** The same where only its owner may change it, and that is the caller. */
  set(block: number, word: number): void {
    Atomics.store(this.#words, this.#at(block) + WORD, word);
  }

  /** A block of `owner` with the item in it, or what there was none of. */
  claimFor(owner: number, item: EncodedItem, itemBytes: number): number {
    const block = this.#claim(owner);
    if (block === -1) return NO_BLOCK;
    if (this.#write(block, item, itemBytes)) return block;
    this.free(block);
    return NO_PAGES;
  }

  #claim(owner: number): number {
    // More than once around, because the low ones may be looked at again on the way.
    for (let looked = 0; looked < 2 * this.count; looked++) {
      const block = this.#cursor;
      const word = this.word(block);
      if (stateOf(word) === FREE) this.touched = block;
      const isClaimed =
        stateOf(word) === FREE && this.move(block, word, asNextUse(word, WRITING, owner));
      this.#goOn(isClaimed);
      if (isClaimed) return block;
    }
    return -1;
  }

  /** Writes an item into a claimed block; false when there are not enough pages. */
  #write(block: number, item: EncodedItem, itemBytes: number): boolean {
    const { bytes, slotBytes, pages } = this.#room;
    const at = this.#at(block);
    const isLarge = itemBytes > slotBytes;
    const page = isLarge ? pages.claim(block, itemBytes) : 0;
    if (isLarge && page === 0) return false;
    const start = 4 * (at + HEAD_WORDS);
    let tag = item.kind === "text" ? TEXT : item.tag;
    let length = itemBytes;
    if (isLarge) pages.write(page, item.kind === "text" ? Buffer.from(item.text) : item.bytes);
    else if (item.kind === "bytes") bytes.set(item.bytes, start);
    else {
      length = bytes.write(item.text, start, slotBytes);
      if (length === item.text.length) tag = ASCII;
    }
    // Read only by who has got the block by its word, which is written after them.
    this.#words[at + LENGTH] = length;
    this.#words[at + TAG] = tag;
    this.#words[at + LOSSES] = 0;
    this.#words[at + PAGE] = page;
    return true;
  }

  /** Whether a block that a ring offered could be taken for `owner`. */
  take(block: number, owner: number, place: { ring: IndexRing; head: number }): boolean {
    for (;;) {
      const word = this.word(block);
      if (!isAvailable(word) || !place.ring.isFirst(place.head)) return false;
      this.touched = block;
      // It may just turn from filled to ready: then it is still there, and nobody else may skip it.
      if (this.move(block, word, asState(word, TAKEN, owner))) return true;
    }
  }

  /** The value of a block that the caller has taken. */
  read(block: number): unknown {
    return decodeItem(this.bytesOf(block));
  }

  /** Where its bytes are; what lies in pages is copied. */
  bytesOf(block: number): ItemBytes {
    const at = this.#at(block);
    const length = this.#words[at + LENGTH] ?? 0;
    const tag = this.#words[at + TAG] ?? TEXT;
    const page = this.#words[at + PAGE] ?? 0;
    const start = 4 * (at + HEAD_WORDS);
    if (page === 0) return { memory: this.#room.bytes, start, end: start + length, tag };
    return { memory: this.#room.pages.read(page, length), start: 0, end: length, tag };
  }

  /** Makes a block free whose owner the caller is. */
  free(block: number): void {
    const at = this.#at(block);
    const page = this.#words[at + PAGE] ?? 0;
    if (page !== 0) {
      this.#room.pages.release(page);
      this.#words[at + PAGE] = 0;
    }
    this.set(block, asState(this.word(block), FREE, 0));
  }

  /** The same after the death of its owner, who may have died over its pages. */
  freeTorn(block: number): void {
    this.#room.pages.releaseAllOf(block);
    this.#words[this.#at(block) + PAGE] = 0;
    this.set(block, asState(this.word(block), FREE, 0));
  }

  lossesOf(block: number): number {
    return this.#words[this.#at(block) + LOSSES] ?? 0;
  }

  addLoss(block: number): number {
    return Atomics.add(this.#words, this.#at(block) + LOSSES, 1) + 1;
  }

  counted(block: number): number {
    return Atomics.load(this.#words, this.#at(block) + COUNTED);
  }

  setCounted(block: number, value: number): void {
    Atomics.store(this.#words, this.#at(block) + COUNTED, value);
  }

  takenAt(block: number): number {
    return this.#room.doubles[(this.#at(block) + TAKEN_AT) / 2] ?? 0;
  }

  setTakenAt(block: number, at: number): void {
    this.#room.doubles[(this.#at(block) + TAKEN_AT) / 2] = at;
  }

  /** All blocks in one of these states, with their words. */
  *among(states: ReadonlySet<number>): IterableIterator<{ block: number; word: number }> {
    for (let block = 0; block < this.count; block++) {
      const word = this.word(block);
      if (states.has(stateOf(word))) yield { block, word };
    }
  }

  /** All blocks that `owner` owns. */
  *ownedBy(owner: number): IterableIterator<{ block: number; word: number }> {
    for (let block = 0; block < this.count; block++) {
      const word = this.word(block);
      if (ownerOf(word) === owner) yield { block, word };
    }
  }

  #goOn(isClaimed: boolean): void {
    if (!isClaimed && this.#resume >= 0) {
      this.#cursor = this.#resume;
      this.#resume = -1;
      return;
    }
    const next = this.#cursor + 1 === this.count ? 0 : this.#cursor + 1;
    const isStretchOver = next % STRETCH === 0 && next !== 0 && this.#resume < 0;
    if (isStretchOver) this.#resume = next;
    this.#cursor = isStretchOver ? 0 : next;
  }

  #at(block: number): number {
    return this.#room.at + block * this.#stride;
  }
}

function strideWords(slotBytes: number): number {
  return HEAD_WORDS + slotBytes / 4;
}
