/**
 * The one word that says what a block is and whose: three bits of state, eight of its owner, the
 * rest a count of its uses. Each change of hands is one CAS of this word, so that a thread which
 * dies between any two instructions leaves a block that says who had it and how far it was.
 */
import { SHARED_PARTIES_MAX } from "../../core/limits.ts";
import { invariant } from "../../core/invariant.ts";

/**
 * - free: nobody's.
 * - writing: its owner writes an item into it. Its end: the item never was.
 * - filled: the item is whole; its owner makes it known to a ring. Its end: anybody does that.
 * - ready: it waits in a ring.
 * - taken: its owner works on the item. Its end: the item goes back.
 * - settling, failing: its owner counts it as done or failed. Its end: anybody finishes that.
 *
 * Who takes an item takes it from filled or ready.
 */
export const FREE = 0;
export const WRITING = 1;
export const FILLED = 2;
export const READY = 3;
export const TAKEN = 4;
export const SETTLING = 5;
export const FAILING = 6;

const STATE_MASK = 7;
const OWNER_SHIFT = 3;
const OWNER_MASK = 255;
const USE_SHIFT = 11;

invariant(SHARED_PARTIES_MAX <= OWNER_MASK, "an owner fits into its bits of the word");

export function stateOf(word: number): number {
  return word & STATE_MASK;
}

/** The party that owns it; 0 when nobody does. */
export function ownerOf(word: number): number {
  return (word >>> OWNER_SHIFT) & OWNER_MASK;
}

/** The same use of the block in another state and other hands. */
export function asState(word: number, state: number, owner: number): number {
  return ((word >>> USE_SHIFT) << USE_SHIFT) | (owner << OWNER_SHIFT) | state;
}

/** The next use of the block. */
export function asNextUse(word: number, state: number, owner: number): number {
  return (((word >>> USE_SHIFT) + 1) << USE_SHIFT) | (owner << OWNER_SHIFT) | state;
}

export function isAvailable(word: number): boolean {
  const state = word & STATE_MASK;
  return state === READY || state === FILLED;
}
