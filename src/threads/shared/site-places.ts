import { SHARED_SITE_BYTES_MAX } from "../../core/limits.ts";
import { SITE_KINDS, type SiteKind } from "../../core/site-words.ts";
import type { CallSite } from "../../sync/call-site.ts";
import { TextCell } from "./text-cell.ts";

/** Of a place: the word of the block, what the site is worth, and the site. */
const KIND = 1;
const TEXT = 2;
const PLACE_WORDS = TEXT + TextCell.wordsFor(SHARED_SITE_BYTES_MAX);

/** A call site that was noted, by whichever thread. */
export interface NotedSite {
  readonly site: string;
  readonly siteKind: SiteKind | null;
}

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
    Atomics.store(this.#words, at + KIND, SITE_KINDS.indexOf(site.kind));
    Atomics.store(this.#words, at, word);
  }

  /** `undefined`: this take was not noted. */
  read(index: number, word: number): NotedSite | undefined {
    const at = this.#at + index * PLACE_WORDS;
    return Atomics.load(this.#words, at) === word ? this.last(index) : undefined;
  }

  /** Of the last take that was noted, whoever it was. */
  last(index: number): NotedSite | undefined {
    const at = this.#at + index * PLACE_WORDS;
    const site = this.#cell(at).read();
    if (site === undefined) return undefined;
    return { site, siteKind: SITE_KINDS[Atomics.load(this.#words, at + KIND)] ?? null };
  }

  #cell(at: number): TextCell {
    return new TextCell(this.#words, at + TEXT, SHARED_SITE_BYTES_MAX);
  }
}
