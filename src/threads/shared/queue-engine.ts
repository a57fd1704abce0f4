/**
 * A shared queue as one thread works on it: who owns which block, and what is made of what the
 * dead have left. Nothing here waits and nothing calls code of the user.
 *
 * An item moves by these steps, each a CAS of its block's word (block-word.ts):
 *
 *     put:    free -> writing -> filled -> [into a ring] -> ready
 *     take:   [out of a ring] ready or filled -> taken
 *     settle: taken -> settling -> [counted] -> free
 *     back:   taken -> filled -> [into the ring of those that came back] -> ready
 *
 * What holds after every step, whoever dies: an item that is filled or ready stands in a ring, or
 * its owner, alive or dead, is about to put it there, and finding that owner's number in the word
 * is all that anybody needs to do so for him. A number in a ring is only an offer: the block's word
 * decides. So a number that stands in a ring twice, or too late, costs a look and nothing else.
 */
import { UnjamError } from "../../core/errors.ts";
import { invariant } from "../../core/invariant.ts";
import { LOSSES_MAX, SHARED_PARTIES_MAX } from "../../core/limits.ts";
import type { CallSite } from "../../sync/call-site.ts";
import {
  asNextUse,
  asState,
  FAILING,
  FILLED,
  FREE,
  ownerOf,
  READY,
  SETTLING,
  stateOf,
  TAKEN,
  WRITING,
} from "./block-word.ts";
import type { IndexRing, Take } from "./index-ring.ts";
import { bytesOf, type EncodedItem } from "./item-codec.ts";
import { NO_BLOCK } from "./blocks.ts";
import { DONE, FAILED, LOST, QueueCensus } from "./queue-census.ts";
import { PHASE, SHORTAGE, type QueueMemory } from "./queue-memory.ts";
import { sharedNow } from "./shared-clock.ts";

type Act = "put" | "take" | "done" | "fail" | "back";

/** Why nothing was put. */
export type PutRefusal = "full" | "held" | "large" | "closed";
export type PutAnswer = "added" | PutRefusal;

/** An item that its taker must settle. */
export interface TakenBlock {
  readonly block: number;
  /** The block's word while it is held: proof that it still is. */
  readonly word: number;
  readonly value: unknown;
  /** How often a thread that had it died. */
  readonly losses: number;
}

export class QueueEngine {
  readonly memory: QueueMemory;
  readonly census: QueueCensus;
  /** While it enters a table that is full of the dead, it sweeps from the line that is kept for that. */
  readonly #party: number = SHARED_PARTIES_MAX;
  readonly #takeBlock: Take;
  /**
   * Who waits for room is woken when this few are left: at each place it would be woken for one put,
   * and that costs more than the put. A look comes to those whom a slow consumer would let wait.
   */
  readonly #refillAt: number;
  #phase: "in" | "left" = "in";
  /** What this thread is in the middle of; seen from outside only when a call met the end of the stack. */
  #act: Act | undefined;
  /** The word of the item that is being put, once it is whole. */
  #putWord = 0;

  constructor(memory: QueueMemory) {
    this.memory = memory;
    this.census = new QueueCensus(memory);
    this.#party = memory.parties.enter((party) => this.#takeBack(party));
    const { blocks, shape } = memory;
    this.#refillAt = shape.capacity - Math.trunc(shape.capacity / 8);
    this.#takeBlock = (block, ring, head) => blocks.take(block, this.#party, { ring, head });
  }

  get isClosed(): boolean {
    return this.#phase === "left" || Atomics.load(this.memory.words, PHASE) !== 0;
  }

  /** Whether this thread has given its line back: it must not touch the blocks any more. */
  get hasLeft(): boolean {
    return this.#phase === "left";
  }

  get size(): number {
    return this.memory.ring.size + this.memory.returned.size;
  }

  /** Whether a take could find something. */
  isItemThere(): boolean {
    return this.size > 0;
  }

  /** Whether a put could find room. */
  isRoomThere(): boolean {
    return this.size < this.memory.shape.capacity;
  }

  put(item: EncodedItem): PutAnswer {
    if (this.#act !== undefined) this.#mend();
    if (this.isClosed) return "closed";
    this.#begin("put", -1);
    const answer = this.#put(item);
    this.#act = undefined;
    return answer;
  }

  #put(item: EncodedItem): PutAnswer {
    this.#putWord = 0;
    const { ring, returned, blocks, shape } = this.memory;
    const roomFor = shape.capacity - (returned.looksEmpty ? 0 : returned.size);
    if (!ring.hasRoom(roomFor)) return "full";
    const bytes = this.#roughBytes(item);
    let block = blocks.claimFor(this.#party, item, bytes);
    if (block < 0) {
      // From here on settlements ring, so one that came just now must not be missed.
      Atomics.store(this.memory.words, SHORTAGE, 1);
      block = blocks.claimFor(this.#party, item, bytes);
      if (block < 0) return block === NO_BLOCK ? "held" : "large";
    }
    const word = asState(blocks.word(block), FILLED, this.#party);
    this.#putWord = word;
    blocks.set(block, word);
    if (!ring.push(block, roomFor) && this.#withdraw(block, word)) return "full";
    blocks.move(block, word, asState(word, READY, 0));
    // Who closed the queue meanwhile may have found it empty and gone. What was taken is taken.
    if (this.isClosed && this.#withdraw(block, asState(word, READY, 0))) return "closed";
    this.memory.itemBell.ring();
    return "added";
  }

  /** The next item. Its taker says {@link delivered} when he has it: until then it may go back. */
  take(site: CallSite | undefined): TakenBlock | undefined {
    if (this.#act !== undefined) this.#mend();
    if (this.hasLeft) return undefined;
    this.#begin("take", -1);
    const taken = this.#take(site);
    if (taken === undefined) this.#act = undefined;
    return taken;
  }

  delivered(): void {
    this.#act = undefined;
  }

  #take(site: CallSite | undefined): TakenBlock | undefined {
    const { ring, returned, blocks, sites, roomBell } = this.memory;
    let block = returned.looksEmpty ? -1 : returned.shift(this.#takeBlock);
    if (block === -1) block = ring.shift(this.#takeBlock);
    if (block === -1) {
      // On the way numbers may have gone that nobody wanted any more, but that took up room.
      if (roomBell.isHung && this.size <= this.#refillAt) roomBell.ring();
      return undefined;
    }
    const word = blocks.word(block);
    blocks.setTakenAt(block, sharedNow());
    if (site !== undefined) sites.write(block, word, site);
    if (roomBell.isHung && this.size <= this.#refillAt) roomBell.ring();
    const losses = blocks.lossesOf(block);
    try {
      return { block, word, value: blocks.read(block), losses };
    } catch (error) {
      // Nobody would have it: a clone whose class this thread cannot read.
      this.#act = undefined;
      this.fail({ block, word, value: undefined, losses }, error);
      throw error;
    }
  }

  /** Ends an item that is done; false when the caller does not hold it any more. */
  done(taken: TakenBlock): boolean {
    if (!this.#isHeld(taken)) return false;
    this.#begin("done", taken.block);
    this.#settle(taken.block, true);
    this.#act = undefined;
    return true;
  }

  /** Ends an item that failed; false when the caller does not hold it any more. */
  fail(taken: TakenBlock, error: unknown): boolean {
    if (!this.#isHeld(taken)) return false;
    this.memory.failures.add(this.census.preview(taken.block), error);
    this.#begin("fail", taken.block);
    this.#settle(taken.block, false);
    this.#act = undefined;
    return true;
  }

  /** The item is the next to be taken, and still unfinished; false when the caller does not hold it. */
  putBack(taken: TakenBlock): boolean {
    if (!this.#isHeld(taken)) return false;
    this.#begin("back", taken.block);
    this.#returnBlock(taken.block);
    this.#act = undefined;
    return true;
  }

  #isHeld({ block, word }: TakenBlock): boolean {
    if (this.#act !== undefined) this.#mend();
    return !this.hasLeft && this.memory.blocks.word(block) === word;
  }

  /** From here on a throw leaves something to mend: only the end of the stack throws in there. */
  #begin(act: Act, block: number): void {
    this.memory.blocks.touched = block;
    this.#act = act;
  }

  /**
   * A call met the end of the stack half-way, and its caller was told so. What it had begun to put
   * or take is undone, what it had begun to settle is settled.
   */
  #mend(): void {
    const { blocks } = this.memory;
    const act = this.#act;
    const block = blocks.touched;
    const word = block === -1 ? 0 : blocks.word(block);
    if (act === "put" && this.#putWord !== 0) {
      this.#withdraw(block, this.#putWord);
      this.#withdraw(block, asState(this.#putWord, READY, 0));
    } else if (ownerOf(word) === this.#party) {
      const state = stateOf(word);
      const isEnding = act === "done" || act === "fail";
      if (state === TAKEN && isEnding) this.#settle(block, act === "done");
      else if (state === TAKEN) this.#returnBlock(block);
      else this.#takeBackBlock(block, word);
    }
    this.#putWord = 0;
    this.#act = undefined;
  }

  /** Counted exactly once, also when this thread dies over it. */
  #settle(block: number, isDone: boolean): void {
    const { blocks, words, parties, roomBell, endBell } = this.memory;
    const at = parties.ownWordAt(this.#party, isDone ? DONE : FAILED);
    const count = (Atomics.load(words, at) + 1) | 0;
    blocks.setCounted(block, count);
    blocks.set(block, asState(blocks.word(block), isDone ? SETTLING : FAILING, this.#party));
    Atomics.store(words, at, count);
    blocks.free(block);
    if (Atomics.load(words, SHORTAGE) !== 0) {
      Atomics.store(words, SHORTAGE, 0);
      roomBell.ringAll();
    }
    if (endBell.isHung && !this.isItemThere()) endBell.ringAll();
  }

  /** Refuses puts for good, and with `isDropping` frees what waits. */
  close(isDropping: boolean): void {
    Atomics.store(this.memory.words, PHASE, 1);
    if (isDropping) this.#drop();
    this.alarm();
  }

  /** Wakes everybody who waits for anything here. */
  alarm(): void {
    this.memory.itemBell.alarm();
    this.memory.roomBell.alarm();
    this.memory.endBell.alarm();
  }

  /** Takes back what threads that are gone still owned. */
  sweep(isUrgent: boolean): void {
    if (this.hasLeft) return;
    this.memory.parties.sweep(this.#party, (party) => this.#takeBack(party), isUrgent);
  }

  /** This thread has nothing to do with the queue any more: what it holds goes back. */
  leave(): void {
    if (this.hasLeft) return;
    this.#phase = "left";
    for (const { block } of this.memory.blocks.ownedBy(this.#party)) this.#returnBlock(block);
    this.memory.parties.leave(this.#party);
    this.alarm();
  }

  #drop(): void {
    const { ring, returned, blocks } = this.memory;
    for (const from of [returned, ring]) {
      for (;;) {
        const block = from.shift(this.#takeBlock);
        if (block === -1) break;
        blocks.free(block);
      }
    }
  }

  #takeBack(party: number): void {
    for (const { block, word } of this.memory.blocks.ownedBy(party))
      this.#takeBackBlock(block, word);
    // Quick looks miss what it put in without moving the tail on; and a ring that it heard it could
    // not answer.
    invariant(this.size >= 0, "a ring has no negative size");
    this.alarm();
  }

  #takeBackBlock(block: number, word: number): void {
    const { blocks, words, parties } = this.memory;
    switch (stateOf(word)) {
      case WRITING:
        blocks.freeTorn(block);
        return;
      case FILLED:
        this.#offerAgain(block, word);
        return;
      case TAKEN:
        this.#takeBackItem(block, word);
        return;
      case SETTLING:
      case FAILING: {
        const counter = stateOf(word) === SETTLING ? DONE : FAILED;
        Atomics.store(words, parties.ownWordAt(ownerOf(word), counter), blocks.counted(block));
        blocks.freeTorn(block);
        return;
      }
      default:
        invariant(stateOf(word) === FREE, "a block that is free or ready has no owner");
    }
  }

  #takeBackItem(block: number, word: number): void {
    const { blocks, words, parties } = this.memory;
    const lost = parties.ownWordAt(this.#party, LOST);
    Atomics.store(words, lost, Atomics.load(words, lost) + 1);
    const losses = blocks.addLoss(block);
    const mine = asState(word, TAKEN, this.#party);
    blocks.set(block, mine);
    if (losses <= LOSSES_MAX) {
      this.#returnBlock(block);
      return;
    }
    const value = this.census.preview(block);
    const error = new UnjamError("UNJAM_ITEM_LOST", { value, losses });
    this.fail({ block, word: mine, value: undefined, losses }, error);
  }

  /** Its thread died over making it known: it may stand in the ring, or not. */
  #offerAgain(block: number, word: number): void {
    const mine = asState(word, FILLED, this.#party);
    if (this.memory.blocks.move(block, word, mine)) this.#offer(block, mine, this.memory.ring);
  }

  /** A block that this thread owns goes back to where everybody can take it. */
  #returnBlock(block: number): void {
    const { blocks, returned } = this.memory;
    const word = asNextUse(blocks.word(block), FILLED, this.#party);
    blocks.set(block, word);
    this.#offer(block, word, returned);
  }

  /** A filled block of this thread becomes known. Whoever meets its number may have it before we return. */
  #offer(block: number, word: number, ring: IndexRing): void {
    const { blocks, returned, returnedMax, shape } = this.memory;
    const isIn =
      (ring !== returned && ring.push(block, shape.capacity)) || returned.push(block, returnedMax);
    invariant(isIn, "the ring of those that came back has room for all blocks");
    blocks.move(block, word, asState(word, READY, 0));
    this.memory.itemBell.ring();
  }

  /** Takes an item of this thread out again; false when somebody has it. */
  #withdraw(block: number, word: number): boolean {
    const { blocks } = this.memory;
    const isMine = blocks.move(block, word, asState(word, WRITING, this.#party));
    if (isMine) blocks.free(block);
    return isMine;
  }

  /** Exact where it matters: a text that fits at three bytes a character needs no counting. */
  #roughBytes(item: EncodedItem): number {
    if (item.kind === "text" && item.text.length * 3 <= this.memory.shape.slotBytes) {
      return item.text.length;
    }
    return bytesOf(item);
  }
}
