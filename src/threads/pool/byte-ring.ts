/**
 * A single-producer, single-consumer ring of records in shared memory.
 *
 * A record is a header of {@link HEADER_BYTES} and a body, padded to eight bytes, and never wraps:
 * what does not fit before the end of the ring starts at its beginning, behind a mark. The two
 * positions count bytes for ever, modulo 2^32; their difference is what the ring holds. Only the
 * producer writes `tail`, only the consumer `head`, so each side may keep its own in a field.
 */
import { invariant } from "../../core/invariant.ts";

/** A power of two. 4,000 small records; 256 KiB of memory a direction and thread. */
export const RING_BYTES = 262_144;
const MASK = RING_BYTES - 1;
const SKIP = -1;

/** Header words, from the record's start. Cells are 64-bit floats and lie behind the words. */
export const FIELD = { size: 0, state: 1, id: 2, name: 3, format: 4, bodyBytes: 5 } as const;
export const HEADER_BYTES = 40;
/** Two cells lie behind six words; the third is the first of the body. */
const FIRST_CELL_BYTES = 24;

/** Up to here a loop over the characters is cheaper than a call into the runtime. */
const LOOP_CHARS_MAX = 24;
/** What a text may take, in bytes a character. */
export const TEXT_BYTES_MAX = 3;

export class ByteRing {
  readonly #shared: Int32Array;
  readonly #tailWord: number;
  readonly #headWord: number;
  readonly words: Int32Array;
  readonly #cells: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #text: Buffer;
  /** The producer's position, ahead of the shared one until `publish`. */
  #tail = 0;
  /** The consumer's position. */
  #head = 0;
  /** What each side last saw of the other. */
  #seenHead = 0;
  #seenTail = 0;
  /** Where the record lies that was begun last. */
  #at = 0;

  constructor(
    memory: SharedArrayBuffer,
    offset: number,
    shared: { readonly words: Int32Array; readonly tail: number; readonly head: number },
  ) {
    this.#shared = shared.words;
    this.#tailWord = shared.tail;
    this.#headWord = shared.head;
    this.words = new Int32Array(memory, offset, RING_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#cells = new Float64Array(memory, offset, RING_BYTES / Float64Array.BYTES_PER_ELEMENT);
    this.#bytes = new Uint8Array(memory, offset, RING_BYTES);
    this.#text = Buffer.from(memory, offset, RING_BYTES);
  }

  /**
   * Producer: makes room for a record with a body of at most `bodyBytes`. Its index in `words`, or
   * -1 when there is no room now. Nothing is visible before `publish`.
   */
  begin(bodyBytes: number): number {
    const size = sizeOf(bodyBytes);
    let at = this.#tail & MASK;
    const rest = RING_BYTES - at;
    const needed = rest < size ? rest + size : size;
    if (!this.#hasRoom(needed)) return -1;
    if (rest < size) {
      this.words[at >> 2] = SKIP;
      this.#tail = (this.#tail + rest) | 0;
      at = 0;
    }
    this.#at = at;
    return at >> 2;
  }

  #hasRoom(bytes: number): boolean {
    if (((this.#tail + bytes - this.#seenHead) | 0) <= RING_BYTES) return true;
    this.#seenHead = Atomics.load(this.#shared, this.#headWord);
    return ((this.#tail + bytes - this.#seenHead) | 0) <= RING_BYTES;
  }

  /** Producer: the record that was begun is written; its body has this many bytes. Its position. */
  end(bodyBytes: number): number {
    const size = sizeOf(bodyBytes);
    const word = this.#at >> 2;
    this.words[word + FIELD.size] = size;
    this.words[word + FIELD.bodyBytes] = bodyBytes;
    const position = this.#tail;
    this.#tail = (position + size) | 0;
    return position;
  }

  /** Producer: whether the record at this position still lies there. */
  isUnreleased(position: number): boolean {
    return ((position - Atomics.load(this.#shared, this.#headWord)) | 0) >= 0;
  }

  /** Producer: shows the consumer all that was written. */
  publish(): void {
    Atomics.store(this.#shared, this.#tailWord, this.#tail);
  }

  /** Consumer: the index of the next record, or -1. It stays until `consume`. */
  peek(): number {
    for (;;) {
      if (this.#head === this.#seenTail) {
        this.#seenTail = Atomics.load(this.#shared, this.#tailWord);
        if (this.#head === this.#seenTail) return -1;
      }
      const word = (this.#head & MASK) >> 2;
      if (this.words[word] !== SKIP) return word;
      this.#head = (this.#head + RING_BYTES - (this.#head & MASK)) | 0;
    }
  }

  /** Consumer: passes the record at this index. Its place may be used again after `release`. */
  consume(word: number): void {
    this.#head = (this.#head + (this.words[word] ?? 0)) | 0;
  }

  /** Consumer: gives the room of all that was consumed back. */
  release(): void {
    Atomics.store(this.#shared, this.#headWord, this.#head);
  }

  /** Whether the consumer has seen everything that was published. */
  get isEmpty(): boolean {
    return Atomics.load(this.#shared, this.#tailWord) === this.#head;
  }

  /** Producer: indexes of what the consumer has not passed yet, oldest first. */
  *unread(): Iterable<number> {
    let at = Atomics.load(this.#shared, this.#headWord);
    while (at !== this.#tail) {
      const word = (at & MASK) >> 2;
      const size = this.words[word] ?? 0;
      if (size === SKIP) at = (at + RING_BYTES - (at & MASK)) | 0;
      else {
        invariant(size >= HEADER_BYTES, "a record of a ring has a size");
        yield word;
        at = (at + size) | 0;
      }
    }
  }

  setCell(word: number, cell: 0 | 1 | 2, value: number): void {
    this.#cells[((word << 2) + FIRST_CELL_BYTES + (cell << 3)) >> 3] = value;
  }

  cell(word: number, cell: 0 | 1 | 2): number {
    return this.#cells[((word << 2) + FIRST_CELL_BYTES + (cell << 3)) >> 3] ?? 0;
  }

  /**
   * Writes a text into a record's body, with a byte a character where that is enough for all of
   * them, else with two: UTF-8 would lose halves of surrogate pairs. Answers its length in bytes, at
   * most {@link TEXT_BYTES_MAX} a character.
   */
  writeText(word: number, text: string): number {
    const at = (word << 2) + HEADER_BYTES;
    const { length } = text;
    if (length > LOOP_CHARS_MAX) {
      // Writes and looks in one go: it is as long as the text when all of it is ASCII.
      if (this.#text.write(text, at, TEXT_BYTES_MAX * length, "utf8") === length) return length;
      return this.#text.write(text, at, 2 * length, "utf16le");
    }
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 255) return this.#text.write(text, at, 2 * length, "utf16le");
      this.#bytes[at + index] = code;
    }
    return length;
  }

  /** @param isNarrow it was written with a byte a character. */
  readText(word: number, isNarrow: boolean): string {
    const at = (word << 2) + HEADER_BYTES;
    const end = at + (this.words[word + FIELD.bodyBytes] ?? 0);
    return this.#text.toString(isNarrow ? "latin1" : "utf16le", at, end);
  }

  writeBytes(word: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, (word << 2) + HEADER_BYTES);
  }

  /** A copy of a record's body. */
  readBytes(word: number): Uint8Array<ArrayBuffer> {
    const at = (word << 2) + HEADER_BYTES;
    return new Uint8Array(this.#bytes.subarray(at, at + (this.words[word + FIELD.bodyBytes] ?? 0)));
  }
}

function sizeOf(bodyBytes: number): number {
  return (HEADER_BYTES + bodyBytes + 7) & ~7;
}
