/**
 * Where threads sleep until something has changed: an eventcount of two words, so that whoever
 * changes something pays one load when nobody sleeps.
 *
 *     who waits:    seen = RINGS; HANGS = 1; look once more; sleep while RINGS is still `seen`
 *     who changes:  change; if HANGS is 1: HANGS = 0, RINGS + 1, wake one
 *
 * The change comes before its load of HANGS, the store of HANGS before the last look: one of the
 * two sees the other (test/models/ring.pml proves it, and that the orders turned round lose a wake-up). One
 * ring wakes one sleeper; whoever was woken hangs the bell again, and rings on when there is more.
 * A thread that dies between its wake-up and its look has swallowed a ring, so nobody sleeps for
 * longer than SHARED_LOOK_MS without a look of its own.
 */
import { SHARED_LOOK_MS } from "../../core/limits.ts";
import { sharedNow } from "./shared-clock.ts";

const RINGS = 0;
const HANGS = 1;

export class Bell {
  readonly #words: Int32Array;
  readonly #at: number;

  /** `words` is shared memory, `at` the first word of the bell. */
  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /** Whether somebody may be asleep here. */
  get isHung(): boolean {
    return Atomics.load(this.#words, this.#at + HANGS) !== 0;
  }

  /** Wakes one who sleeps here. */
  ring(): void {
    if (this.#take()) Atomics.notify(this.#words, this.#at + RINGS, 1);
  }

  /** Wakes all who sleep here. */
  ringAll(): void {
    if (this.#take()) Atomics.notify(this.#words, this.#at + RINGS);
  }

  /** Wakes all, also those that are waiting for a wake-up which somebody swallowed. */
  alarm(): void {
    this.hang();
    this.ringAll();
  }

  /** Somebody may be asleep from here on; answers what {@link sleep} must be given. */
  hang(): number {
    // In this order: a ring for something else, right after the store, would be taken for seen.
    const seen = Atomics.load(this.#words, this.#at + RINGS);
    Atomics.store(this.#words, this.#at + HANGS, 1);
    return seen;
  }

  /** Sleeps until a ring, and for at most `timeoutMs`. Blocks the thread. */
  sleep(seen: number, timeoutMs: number): void {
    Atomics.wait(this.#words, this.#at + RINGS, seen, timeoutMs);
  }

  /** Resolves at a ring; `undefined` when one has come since. Does not hold the process. */
  listen(seen: number): Promise<unknown> | undefined {
    const { async: isAsync, value } = Atomics.waitAsync(this.#words, this.#at + RINGS, seen);
    return isAsync ? value : undefined;
  }

  /** Only somebody who hung it needs a ring, and one ring is enough until he has looked. */
  #take(): boolean {
    const hangsAt = this.#at + HANGS;
    if (Atomics.load(this.#words, hangsAt) === 0) return false;
    if (Atomics.compareExchange(this.#words, hangsAt, 1, 0) === 0) return false;
    Atomics.add(this.#words, this.#at + RINGS, 1);
    return true;
  }
}

/** What a blocking wait does. */
export interface BlockingWait<A> {
  /** Tries to get what is waited for. */
  readonly attempt: () => A | undefined;
  /** Whether others who sleep here have something to do too. */
  readonly isMoreThere: () => boolean;
  /** Called again and again while nothing comes, every SHARED_LOOK_MS. */
  readonly look: () => void;
  /** When it is called first, if sooner. */
  readonly firstLookMs?: number;
  readonly waitMs: number;
}

/** Blocks the thread until `attempt` answers; `undefined` at the deadline. */
export function waitAtBell<A>(bell: Bell, wait: BlockingWait<A>): A | undefined {
  const deadlineAt = sharedNow() + wait.waitMs;
  let lookMs = wait.firstLookMs ?? SHARED_LOOK_MS;
  let lookAt = sharedNow() + lookMs;
  for (;;) {
    const seen = bell.hang();
    const answer = wait.attempt();
    if (answer !== undefined) {
      relay(bell, wait.isMoreThere);
      return answer;
    }
    const now = sharedNow();
    if (deadlineAt <= now) return undefined;
    if (lookAt <= now) {
      wait.look();
      lookMs = SHARED_LOOK_MS;
      lookAt = sharedNow() + lookMs;
    }
    bell.sleep(seen, Math.max(1, Math.min(deadlineAt - now, lookMs)));
  }
}

/** For who was woken and is served: a ring wakes one, and there may be more for others. */
export function relay(bell: Bell, isMoreThere: () => boolean): void {
  bell.hang();
  if (isMoreThere()) bell.ring();
}
