import { invariant } from "../../core/invariant.ts";
import type { Call } from "./call.ts";

/** A number is a place in the table and, above it, how often the place was used. */
const PLACE_BITS = 20;
export const CALLS_ON_THREADS_MAX: number = 1 << PLACE_BITS;
const PLACE_MASK = CALLS_ON_THREADS_MAX - 1;
const USES_MASK = 0x3ff;

/**
 * The calls that threads have, by number. A place is used again, its number not soon: what is said
 * late about a call that has ended must not hit another.
 */
export class CallTable {
  readonly #calls: (Call | undefined)[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];

  add(call: Call): void {
    const place = this.#free.pop() ?? this.#calls.length;
    invariant(place < CALLS_ON_THREADS_MAX, "threads have no more calls than their rings hold");
    this.#calls[place] = call;
    const uses = this.#uses[place] ?? 0;
    this.#uses[place] = uses;
    call.id = (uses << PLACE_BITS) | place;
  }

  get(id: number): Call | undefined {
    const call = this.#calls[id & PLACE_MASK];
    return call?.id === id ? call : undefined;
  }

  remove(call: Call): void {
    const place = call.id & PLACE_MASK;
    this.#calls[place] = undefined;
    this.#uses[place] = ((this.#uses[place] ?? 0) + 1) & USES_MASK;
    this.#free.push(place);
    call.id = -1;
  }

  *[Symbol.iterator](): Iterator<Call> {
    for (const call of this.#calls) if (call !== undefined) yield call;
  }
}
