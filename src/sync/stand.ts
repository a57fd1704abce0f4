/**
 * How to know again the one activation of a function that took a lock. The stack gives functions
 * and positions, not activations, so a stand is only taken where nothing else can pass for it.
 *
 * The store that `lock()` enters leaks into the functions that called its caller: they go on, when
 * the caller awaits, and what they start then would look like a part of the holder. It cannot leak
 *
 * - when the caller was the outermost function that ran: it had been resumed, and its turn is its
 *   own ("alone");
 * - when all that called it await it, directly or through each other, so that none goes on;
 * - when the holder shows itself after the await, in its own turn: a `using` declaration takes the
 *   guard, or it takes the next lock before it awaits anything else.
 *
 * Everywhere else there is no stand, and the holder is never proved to wait for anything.
 *
 * A second activation of the holder's function is told from the first by those who await it: each
 * of them awaits one thing at a time. So a wait is not taken for that of a holder whom nobody awaits
 * (a handler of events, `void poll()`), except the body of a module, which runs once; nor for that
 * of a function that has just been called, because a holder has been resumed with its lock.
 *
 * Two cases are left that the stack cannot tell. In both a second activation awaits something,
 * takes another branch past the place of the lock, and there waits for what the first one holds:
 *
 * - outside of any scope the holder starts again, without awaiting it, the outermost of those who
 *   await the holder, and the same calls lead from there to the second one;
 * - the first one has returned and left the guard, which it took without `using`, with somebody
 *   else, and its caller calls it again from the same place.
 */
import type { CallSite } from "./call-site.ts";
import {
  type Frame,
  isModuleBody,
  MODULE_JOB,
  readFrames,
  type Stack,
  TASK_QUEUES,
} from "./stack-frames.ts";

interface Place {
  readonly fn: string;
  /** Where it called `lock()`: who stands there now is another activation. */
  readonly calledAt: string | undefined;
  /** From where on it holds the lock, in characters. */
  readonly heldFrom: number;
  /** Who awaits it, outwards, as far as that was known when it got the lock. */
  readonly awaitedBy: readonly Frame[];
}

/** A place where a holder stood, in a turn that began with its own await. */
interface Seen {
  readonly at: CallSite;
  /** Known from the turn itself; else the stack must show that nothing called the holder. */
  readonly isOwnTurn: boolean;
}

/** The functions by which compilers write a `using` declaration for runtimes that have none. */
const USING = /^(?:__addDisposableResource|__using|using)$/;

export class Stand {
  /** Where `lock()` was called. */
  readonly site: CallSite;
  /** Where the holder was seen in a turn of its own. */
  readonly #seen: Seen | undefined;
  #granted: Stack | undefined;
  #place: Place | undefined | "unread" = "unread";
  /** Whether its place is that of a `using` declaration, as opposed to any other look at its guard. */
  #isByUse = false;
  /** Whether siblings were seen, which may have the guard. */
  #hasSiblings = false;

  constructor(site: CallSite, seen?: Seen) {
    this.site = site;
    this.#seen = seen;
  }

  /** The same holder, seen at a place after it got the lock. */
  moved(at: CallSite, isOwnTurn: boolean): Stand {
    return new Stand(this.site, { at, isOwnTurn });
  }

  /** The function that called `lock()`, in words. */
  get who(): string {
    return this.site.who ?? "a function without a name";
  }

  /** The await chain of the call, at the moment at which it gets the lock. */
  granted(chain: Stack): void {
    this.#granted = chain;
    this.#place = "unread";
  }

  /**
   * Whether its guard is taken to be with itself, in a `using` declaration, for as long as it is where
   * it is. Any other may be released by whoever was given it: a timer, a `finally()`, a sibling; so may
   * this one, once its holder awaits siblings.
   */
  get isSure(): boolean {
    return this.#read() !== undefined && this.#isByUse && !this.#hasSiblings;
  }

  /** Whether the holder is among those who await a wait that was begun at `site`. */
  awaits(chain: readonly Frame[], site: CallSite | undefined): boolean {
    const place = this.#read();
    if (place === undefined || site === undefined) return false;
    const { fn, calledAt } = place;
    if (!isAwaited(place) && !isModuleBody(fn)) return false;
    const running = runningOf(site);
    const callers = running.filter((frame) => frame.fn === fn);
    // Called by others: it has just begun, and was not resumed with a lock.
    if (callers.length > 0 && running.at(-1)?.fn !== fn) return false;
    const awaiters = chain.filter((frame) => frame.fn === fn);
    // One that called the other without awaiting it: which of the two awaits cannot be told.
    if (callers.length > awaiters.length) return false;
    const isOther = callers.some(({ at }) => at === calledAt);
    const other = isOther ? chain.findIndex((frame) => frame.fn === fn) : -1;
    const holder = this.#indexIn(chain.slice(other + 1));
    if (holder === -1) return false;
    // What a holder awaits together with something else, that one may end: by the guard, if it has it.
    const isTogetherWithOthers = chain.slice(0, other + 1 + holder).some(isTogether);
    if (isTogetherWithOthers) this.#hasSiblings = true;
    return this.#isByUse || !isTogetherWithOthers;
  }

  /** Whether the holder is among those who run at `site`, or who await them. */
  isRunning(site: CallSite): boolean {
    return this.#indexIn([...runningOf(site), ...awaitersIn(site.frames)]) !== -1;
  }

  /** Its frame among these, or -1. */
  #indexIn(frames: readonly Frame[]): number {
    const place = this.#read();
    if (place === undefined) return -1;
    return frames.findIndex((frame, index) => isHolder(place, frame, frames.slice(index + 1)));
  }

  #read(): Place | undefined {
    if (this.#place === "unread") {
      const seen = placeOfUse(this.#seen, this.site);
      this.#isByUse = seen !== undefined && this.#seen?.isOwnTurn === false;
      this.#place = seen ?? placeOfCall(this.site, this.#granted);
    }
    return this.#place;
  }
}

/** The frame of `Promise.all` or `Promise.allSettled`. */
function isTogether({ script, name }: Frame): boolean {
  return script === "" && (name === "all" || name === "allSettled");
}

function isAwaited({ awaitedBy }: Place): boolean {
  return awaitedBy.some(({ fn }) => fn !== undefined);
}

/** Whether this frame is the holder, and not another activation of the same function. */
function isHolder(place: Place, frame: Frame, outer: readonly Frame[]): boolean {
  const { fn, awaitedBy, heldFrom } = place;
  if (frame.fn !== fn) return false;
  if (!awaitedBy.every(({ at }, index) => at === outer[index]?.at)) return false;
  // The holder may have started the like of all of it again, without awaiting it. That one is not
  // expected to be past the lock, not while the first still holds it.
  return frame.position > heldFrom;
}

function placeOfUse(seen: Seen | undefined, call: CallSite): Place | undefined {
  if (seen === undefined) return undefined;
  const running = runningOf(seen.at);
  const holder = running.at(-1);
  const fn = holder?.fn;
  const caller = runningOf(call).find((frame) => frame.fn === fn);
  const between = running.length - 1;
  // In its own turn the holder may have called others; it must be the one that asked for the lock.
  const isCertain = seen.isOwnTurn
    ? caller !== undefined
    : between === 0 || (between === 1 && USING.test(String(running[0]?.name)));
  if (holder === undefined || fn === undefined || !isCertain) return undefined;
  const awaitedBy = awaitersIn(seen.at.frames);
  return { fn, calledAt: caller?.at, heldFrom: (caller ?? holder).position, awaitedBy };
}

function placeOfCall(site: CallSite, granted: Stack | undefined): Place | undefined {
  const running = runningOf(site);
  const [first] = running;
  if (first?.fn !== undefined && running.length === 1) {
    const awaitedBy = awaitersIn(site.frames);
    return { fn: first.fn, calledAt: first.at, heldFrom: first.position, awaitedBy };
  }
  const chain = granted === undefined ? [] : awaitersIn(readFrames(granted));
  const index = chain.findIndex(({ fn }) => fn !== undefined && running.some((r) => r.fn === fn));
  const holder = chain[index];
  if (holder?.fn === undefined) return undefined;
  const { fn } = holder;
  const inner = running.findIndex((frame) => frame.fn === fn);
  const awaitedBy = chain.slice(index + 1);
  if (!areAwaiting(running.slice(inner + 1), awaitedBy)) return undefined;
  return { fn, calledAt: running[inner]?.at, heldFrom: holder.position, awaitedBy };
}

/** Whether all these callers are among the awaiters, in the same order. */
function areAwaiting(callers: readonly Frame[], awaiters: readonly Frame[]): boolean {
  let outer = 0;
  return callers.every(({ fn }) => {
    while (outer < awaiters.length && awaiters[outer]?.fn !== fn) outer++;
    return fn !== undefined && outer++ < awaiters.length;
  });
}

/** What runs in this turn, from the inside. */
function runningOf(site: CallSite): readonly Frame[] {
  const running = site.frames.filter(({ isAsync }) => !isAsync);
  const loop = running.findIndex(({ script }) => script === TASK_QUEUES);
  const inTurn = loop === -1 ? running : running.slice(0, loop);
  return inTurn.at(-1)?.script === MODULE_JOB ? inTurn.slice(0, -1) : inTurn;
}

function awaitersIn(frames: readonly Frame[]): readonly Frame[] {
  return frames.filter(({ isAsync }) => isAsync);
}
