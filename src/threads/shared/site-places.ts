import { SHARED_SITE_BYTES_MAX } from "../../core/limits.ts";
import type { CallSite } from "../../sync/call-site.ts";
import { TextCell } from "./text-cell.ts";

const PLACE_WORDS = 1 + TextCell.wordsFor(SHARED_SITE_BYTES_MAX);

/**
 * Where in the code each block, or permit, was taken, for errors of other threads. A place carries
 * the word of the block as it was then, so that takes which are not noted cost nothing.
 */
export class SitePlaces {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  static wordsFor(count: number): number {
    return count * PLACE_WORDS;
  }

  write(index: number, word: number, site: CallSite): void {
    const at = this.#at + index * PLACE_WORDS;
    this.#cell(at).write(site.toString());
    Atomics.store(this.#words, at, word);
  }

  /** `undefined`: this take was not noted. */
  read(index: number, word: number): string | undefined {
    const at = this.#at + index * PLACE_WORDS;
    return Atomics.load(this.#words, at) === word ? this.#cell(at).read() : undefined;
  }

  /** Of the last take that was noted, whoever it was. */
  last(index: number): string | undefined {
    return this.#cell(this.#at + index * PLACE_WORDS).read();
  }

  #cell(at: number): TextCell {
    return new TextCell(this.#words, at + 1, SHARED_SITE_BYTES_MAX);
  }
}
