/** One producer, one consumer, JSON texts of one byte a character. As bare as it can be. */
const BYTES = 1 << 20;
const MASK = BYTES - 1;
const WORD = { tail: 0, head: 1, sleeps: 2 };
const HEADER_BYTES = 64;

export function newRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + BYTES);
}

export class BareRing {
  readonly words: Int32Array;
  readonly #records: Int32Array;
  readonly #text: Buffer;
  #tail = 0;
  #head = 0;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#records = new Int32Array(memory, HEADER_BYTES);
    this.#text = Buffer.from(memory, HEADER_BYTES, BYTES);
  }

  push(id: number, text: string): boolean {
    const size = (8 + text.length + 3) & ~3;
    let at = this.#tail & MASK;
    const skipped = BYTES - at < size + 8 ? BYTES - at : 0;
    const used = (this.#tail - Atomics.load(this.words, WORD.head)) | 0;
    if (used + skipped + size > BYTES) return false;
    if (skipped > 0) {
      this.#records[at >> 2] = -1;
      this.#tail = (this.#tail + skipped) | 0;
      at = 0;
    }
    this.#records[at >> 2] = text.length;
    this.#records[(at >> 2) + 1] = id;
    this.#text.write(text, at + 8, text.length, "latin1");
    this.#tail = (this.#tail + size) | 0;
    return true;
  }

  publish(): void {
    Atomics.store(this.words, WORD.tail, this.#tail);
    if (Atomics.load(this.words, WORD.sleeps) === 0) return;
    if (Atomics.exchange(this.words, WORD.sleeps, 0) === 1) Atomics.notify(this.words, WORD.sleeps);
  }

  drain(each: (id: number, text: string) => void): number {
    const tail = Atomics.load(this.words, WORD.tail);
    let count = 0;
    while (this.#head !== tail) {
      const at = this.#head & MASK;
      const length = this.#records[at >> 2] ?? 0;
      if (length === -1) {
        this.#head = (this.#head + BYTES - at) | 0;
        continue;
      }
      const id = this.#records[(at >> 2) + 1] ?? 0;
      const text = this.#text.toString("latin1", at + 8, at + 8 + length);
      this.#head = (this.#head + ((8 + length + 3) & ~3)) | 0;
      Atomics.store(this.words, WORD.head, this.#head);
      each(id, text);
      count++;
    }
    return count;
  }

  get isEmpty(): boolean {
    return Atomics.load(this.words, WORD.tail) === this.#head;
  }

  sleep(): void {
    Atomics.store(this.words, WORD.sleeps, 1);
    if (this.isEmpty) Atomics.wait(this.words, WORD.sleeps, 1);
    Atomics.store(this.words, WORD.sleeps, 0);
  }

  async filled(): Promise<void> {
    Atomics.store(this.words, WORD.sleeps, 1);
    if (this.isEmpty) await Atomics.waitAsync(this.words, WORD.sleeps, 1).value;
    Atomics.store(this.words, WORD.sleeps, 0);
  }
}
