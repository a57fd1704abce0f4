/** The raw limit: bytes of one producer for one consumer. No bound on an item, no leases, no deaths. */
const BYTES = 1 << 20;
const TAIL = 0;
const HEAD = 1;
const WAITS = 2;

export function ringMemory() {
  return new SharedArrayBuffer(64 + BYTES);
}

// oxlint-disable typescript/prefer-readonly -- plain JavaScript has no such word.
export class BareRing {
  #words;
  #bytes;
  #lengths;
  #tail = 0;
  #head = 0;

  constructor(memory) {
    this.#words = new Int32Array(memory, 0, 16);
    this.#bytes = Buffer.from(memory, 64, BYTES);
    this.#lengths = new Int32Array(memory, 64, BYTES >> 2);
  }

  /** The caller never has more on the way than there is room for. */
  push(text) {
    const record = 4 + ((text.length + 3) & ~3);
    let at = this.#tail & (BYTES - 1);
    if (BYTES - at < record + 4) {
      this.#lengths[at >> 2] = -1;
      this.#tail += BYTES - at;
      at = 0;
    }
    this.#lengths[at >> 2] = text.length;
    this.#bytes.latin1Write(text, at + 4, text.length);
    this.#tail += record;
  }

  publish() {
    Atomics.store(this.#words, TAIL, this.#tail);
    if (Atomics.compareExchange(this.#words, WAITS, 1, 0) === 1) Atomics.notify(this.#words, WAITS);
  }

  drain(take) {
    const tail = Atomics.load(this.#words, TAIL);
    while (this.#head !== tail) {
      const at = this.#head & (BYTES - 1);
      const length = this.#lengths[at >> 2];
      if (length === -1) {
        this.#head += BYTES - at;
        continue;
      }
      take(this.#bytes.latin1Slice(at + 4, at + 4 + length));
      this.#head += 4 + ((length + 3) & ~3);
    }
    Atomics.store(this.#words, HEAD, this.#head);
  }

  async waitForMore() {
    Atomics.store(this.#words, WAITS, 1);
    if (Atomics.load(this.#words, TAIL) !== this.#head) return;
    const wait = Atomics.waitAsync(this.#words, WAITS, 1);
    if (wait.async) {
      // waitAsync does not hold the process.
      const hold = setInterval(() => undefined, 1_000);
      await wait.value;
      clearInterval(hold);
    }
  }

  sleepForMore() {
    Atomics.store(this.#words, WAITS, 1);
    if (Atomics.load(this.#words, TAIL) === this.#head) Atomics.wait(this.#words, WAITS, 1);
  }
}
