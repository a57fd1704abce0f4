/**
 * Room for items that are larger than a block, in pages that are chained. The owner word of a page
 * is the block that it belongs to, and only who owns that block touches it: what a dead thread had
 * claimed for a block is found by looking for the block's number.
 */
import { SHARED_PAGE_BYTES } from "../../core/limits.ts";

/** Per page: the block that has it, plus 1; the next page of the chain, plus 1. */
const ENTRY_WORDS = 2;
const OWNER = 0;
const NEXT = 1;

export class Pages {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #bytes: Buffer;
  readonly #count: number;
  #cursor = 0;

  constructor(
    words: Int32Array,
    at: number,
    room: { readonly bytes: Buffer; readonly count: number },
  ) {
    this.#words = words;
    this.#at = at;
    this.#bytes = room.bytes;
    this.#count = room.count;
  }

  static wordsFor(count: number): number {
    return ENTRY_WORDS * count;
  }

  /** Claims pages for so many bytes: all of them, or none and 0. The first page, plus 1. */
  claim(block: number, bytes: number): number {
    const wanted = Math.ceil(bytes / SHARED_PAGE_BYTES);
    let first = 0;
    let claimed = 0;
    for (let looked = 0; looked < this.#count && claimed < wanted; looked++) {
      const page = this.#cursor;
      this.#cursor = page + 1 === this.#count ? 0 : page + 1;
      const at = this.#at + ENTRY_WORDS * page;
      if (Atomics.load(this.#words, at + OWNER) !== 0) continue;
      if (Atomics.compareExchange(this.#words, at + OWNER, 0, block + 1) !== 0) continue;
      Atomics.store(this.#words, at + NEXT, first);
      first = page + 1;
      claimed++;
    }
    if (claimed === wanted) return first;
    this.release(first);
    return 0;
  }

  /** Lets go of a chain. Its block must still be owned. */
  release(first: number): void {
    let page = first;
    while (page !== 0) {
      const at = this.#at + ENTRY_WORDS * (page - 1);
      page = Atomics.load(this.#words, at + NEXT);
      Atomics.store(this.#words, at + OWNER, 0);
    }
  }

  /** The same for a chain that may be torn: its thread died over it. */
  releaseAllOf(block: number): void {
    for (let page = 0; page < this.#count; page++) {
      Atomics.compareExchange(this.#words, this.#at + ENTRY_WORDS * page, block + 1, 0);
    }
  }

  write(first: number, bytes: Uint8Array): void {
    let page = first;
    for (let from = 0; page !== 0; from += SHARED_PAGE_BYTES) {
      const start = (page - 1) * SHARED_PAGE_BYTES;
      this.#bytes.set(bytes.subarray(from, from + SHARED_PAGE_BYTES), start);
      page = Atomics.load(this.#words, this.#at + ENTRY_WORDS * (page - 1) + NEXT);
    }
  }

  read(first: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let page = first;
    for (let from = 0; page !== 0 && from < length; from += SHARED_PAGE_BYTES) {
      const start = (page - 1) * SHARED_PAGE_BYTES;
      const end = start + Math.min(SHARED_PAGE_BYTES, length - from);
      bytes.set(this.#bytes.subarray(start, end), from);
      page = Atomics.load(this.#words, this.#at + ENTRY_WORDS * (page - 1) + NEXT);
    }
    return bytes;
  }
}
