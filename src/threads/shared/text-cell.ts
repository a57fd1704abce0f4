/**
 * Short texts in shared memory, for reports. Who reads one while it is written gets a text that is
 * torn, never one beyond its cell.
 */
export class TextCell {
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  readonly #at: number;
  readonly #bytesMax: number;

  /** `at`: the word of the length; the text follows. */
  constructor(words: Int32Array, at: number, bytesMax: number) {
    this.#words = words;
    this.#bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
    this.#at = at;
    this.#bytesMax = bytesMax;
  }

  static wordsFor(bytesMax: number): number {
    return 1 + Math.ceil(bytesMax / 4);
  }

  /** Cuts what is too long, between two characters. */
  write(text: string): void {
    Atomics.store(this.#words, this.#at, 0);
    const start = 4 * (this.#at + 1);
    const length = this.#bytes.write(text, start, this.#bytesMax);
    Atomics.store(this.#words, this.#at, length);
  }

  clear(): void {
    Atomics.store(this.#words, this.#at, 0);
  }

  read(): string | undefined {
    const length = Math.min(Atomics.load(this.#words, this.#at), this.#bytesMax);
    if (length <= 0) return undefined;
    const start = 4 * (this.#at + 1);
    return this.#bytes.toString("utf8", start, start + length);
  }
}
