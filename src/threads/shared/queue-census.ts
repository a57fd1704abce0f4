/** What can be told of a shared queue by looking at its memory, without changing any of it. */
import type { SiteKind } from "../../core/site-words.ts";
import { FAILING, FILLED, ownerOf, READY, SETTLING, TAKEN } from "./block-word.ts";
import { previewItem } from "./item-codec.ts";
import { DONE_BASE, FAILED_BASE, type QueueMemory } from "./queue-memory.ts";
import { sharedNow } from "./shared-clock.ts";
import { threadName } from "./thread-life.ts";

/** Own words of a party: what it has done, what failed, and what it took back from the dead. */
export const DONE = 0;
export const FAILED = 1;
export const LOST = 2;

const NOT_NOTED = { site: null, siteKind: null } as const;

const HELD: ReadonlySet<number> = new Set([TAKEN]);
const WAITING: ReadonlySet<number> = new Set([FILLED, READY]);
const UNFINISHED: ReadonlySet<number> = new Set([FILLED, READY, TAKEN, SETTLING, FAILING]);

/** Somebody who holds an item. */
export interface SharedHolder {
  /** The beginning of its text, or its size. */
  readonly value: string;
  /** The thread, in words. */
  readonly holder: string;
  readonly sinceMs: number;
  /** Where it was taken; `null` when that was not noted. */
  readonly site: string | null;
  /** What that place is: see {@link SiteKind}; `null` when it was not noted. */
  readonly siteKind: SiteKind | null;
}

export class QueueCensus {
  readonly #memory: QueueMemory;

  constructor(memory: QueueMemory) {
    this.#memory = memory;
  }

  /**
   * Whether nothing is unfinished. Blocks are looked at one after the other, so an item that moves
   * on while its follower is put behind the look would be missed: it counts only when nothing was
   * put meanwhile.
   */
  isFinished(): boolean {
    const { ring, returned } = this.#memory;
    const [tail, returnedTail] = [ring.tail, returned.tail];
    for (const _ of this.#memory.blocks.among(UNFINISHED)) return false;
    return tail === ring.tail && returnedTail === returned.tail;
  }

  get unfinishedCount(): number {
    return [...this.#memory.blocks.among(UNFINISHED)].length;
  }

  /** Since the queue was made, or since the last join that resolved. */
  counts(): { readonly done: number; readonly failed: number } {
    const { parties, words } = this.#memory;
    return {
      done: (parties.sum(DONE) - Atomics.load(words, DONE_BASE)) | 0,
      failed: (parties.sum(FAILED) - Atomics.load(words, FAILED_BASE)) | 0,
    };
  }

  /** A join has told them. */
  tell({ done, failed }: { readonly done: number; readonly failed: number }): void {
    Atomics.add(this.#memory.words, DONE_BASE, done);
    Atomics.add(this.#memory.words, FAILED_BASE, failed);
    this.#memory.failures.tell();
  }

  /** How often an item came back because the thread that had it died, since the queue was made. */
  get lossCount(): number {
    return this.#memory.parties.sum(LOST);
  }

  holders(): readonly SharedHolder[] {
    const now = sharedNow();
    const { blocks, sites, parties } = this.#memory;
    return Array.from(blocks.among(HELD), ({ block, word }) => ({
      value: this.preview(block),
      holder: threadName(parties.threadOf(ownerOf(word)) ?? -1),
      sinceMs: Math.max(0, Math.round(now - blocks.takenAt(block))),
      ...(sites.read(block, word) ?? NOT_NOTED),
    }));
  }

  /** What waits, in a few words each, in no order. */
  waiting(countMax: number): readonly string[] {
    const previews: string[] = [];
    for (const { block } of this.#memory.blocks.among(WAITING)) {
      if (previews.length >= countMax) break;
      previews.push(this.preview(block));
    }
    return previews;
  }

  /** An item in a few words. */
  preview(block: number): string {
    return previewItem(this.#memory.blocks.bytesOf(block));
  }
}
