import type { Timers } from "../core/clock.ts";
import { Fifo } from "../core/fifo.ts";
import { WAIT_LOOKS_TURN_MAX } from "../core/limits.ts";
import { WaitGraph } from "./deadlock.ts";

/** A wait whose turn to be looked at has come. */
export interface Looker {
  /** False when it has ended meanwhile. Else it reads its await chain in the microtask that follows. */
  begin(): boolean;
  /** Called when all that were begun in this turn have read theirs. */
  search(graph: WaitGraph): void;
}

/**
 * The waits that want to be looked at, some in each turn of the loop: a thousand that began in one
 * turn, or whose timers are due in one, would block it for as long as it takes to read a thousand
 * stacks. Those of one turn are all read before the first of them searches, so that nothing changes
 * between the searches, and one graph does for all.
 */
export class LookLine {
  readonly #timers: Timers;
  readonly #line = new Fifo<Looker>();
  #isAwake = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  join(looker: Looker): void {
    this.#line.push(looker);
    this.#wake();
  }

  #wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#timers.soon(() => this.#turn());
  }

  #turn(): void {
    this.#isAwake = false;
    const begun: Looker[] = [];
    while (begun.length < WAIT_LOOKS_TURN_MAX) {
      const next = this.#line.shift();
      if (next === undefined) break;
      if (next.begin()) begun.push(next);
    }
    if (this.#line.size > 0) this.#wake();
    if (begun.length > 0) void NOW.then(() => searchAll(begun));
  }
}

const NOW = Promise.resolve();

/** The last to come searches first: it closed the cycle, if there is one, and is the one refused. */
function searchAll(lookers: readonly Looker[]): void {
  const graph = new WaitGraph();
  for (const looker of lookers.toReversed()) looker.search(graph);
}

/** One for all waits that share their timers: it is one loop that they must not block. */
const lines = new WeakMap<Timers, LookLine>();

export function lookLineOf(timers: Timers): LookLine {
  let line = lines.get(timers);
  if (line === undefined) lines.set(timers, (line = new LookLine(timers)));
  return line;
}
