/** The errors of the first items that failed since the last join that came to its end. */
import { fromErrorRecord, parseErrorRecord, toErrorRecord } from "../../core/error-record.ts";
import { JOIN_ERRORS_MAX, SHARED_FAILURE_BYTES_MAX } from "../../core/limits.ts";
import type { JoinError } from "../../sync/settlements.ts";
import { TextCell } from "./text-cell.ts";

/** Failures since the queue was made, and how many of them joins have told. */
const COUNT = 0;
const TOLD = 1;
const CELLS = 16;
const TEXT_WORDS = TextCell.wordsFor(SHARED_FAILURE_BYTES_MAX);
const CHARS_MAX = 300;

export class Failures {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  static readonly WORDS: number = CELLS + JOIN_ERRORS_MAX * TEXT_WORDS;

  add(value: string, thrown: unknown): void {
    const told = Atomics.load(this.#words, this.#at + TOLD);
    const place = (Atomics.add(this.#words, this.#at + COUNT, 1) - told) | 0;
    if (place < 0 || place >= JOIN_ERRORS_MAX) return;
    this.#cell(place).write(recordText(value, thrown));
  }

  /** Those since the last join that resolved. A text that is still being written is left out. */
  all(): readonly JoinError[] {
    const count =
      Atomics.load(this.#words, this.#at + COUNT) - Atomics.load(this.#words, this.#at + TOLD);
    const texts = Array.from({ length: Math.min(count, JOIN_ERRORS_MAX) }, (_, place) =>
      this.#cell(place).read(),
    );
    return texts.flatMap((text) => (text === undefined ? [] : [parseFailure(text)]));
  }

  /** A join has told them. */
  tell(): void {
    for (let place = 0; place < JOIN_ERRORS_MAX; place++) this.#cell(place).clear();
    const count = Atomics.load(this.#words, this.#at + COUNT);
    Atomics.store(this.#words, this.#at + TOLD, count);
  }

  #cell(place: number): TextCell {
    const at = this.#at + CELLS + place * TEXT_WORDS;
    return new TextCell(this.#words, at, SHARED_FAILURE_BYTES_MAX);
  }
}

/** With its stack and details where they fit, else the name, code and the beginning of the message. */
function recordText(value: string, thrown: unknown): string {
  const error = toErrorRecord(thrown);
  const whole = JSON.stringify({ value, error: JSON.stringify(error) });
  if (Buffer.byteLength(whole) <= SHARED_FAILURE_BYTES_MAX) return whole;
  const { name, message } = error;
  const short = { name: name.slice(0, CHARS_MAX), message: message.slice(0, CHARS_MAX) };
  return JSON.stringify({ value: value.slice(0, CHARS_MAX), error: JSON.stringify(short) });
}

function parseFailure(text: string): JoinError {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && "value" in parsed && "error" in parsed) {
      const { value, error } = parsed;
      return { value: String(value), error: fromErrorRecord(parseErrorRecord(String(error))) };
    }
  } catch {
    // Read while it was written.
  }
  return { value: "an item", error: new Error(text) };
}
