import type { Clock, MonotonicMs } from "../core/clock.ts";

/** The engine stores an end within some milliseconds; its death is noticed within some more. */
const KEPT_MS = 1_000;
const KEPT_MAX = 1_000;

/**
 * What was sent to the engine about ended attempts, for a while: when it dies, the last of it was
 * never stored, and those jobs would run again although they are done. Its successor hears it
 * again, and asks the store which of it is news.
 */
export class RecentEnds<Message> {
  readonly #clock: Clock;
  #entries: { readonly at: MonotonicMs; readonly message: Message }[] = [];
  #isHeld = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(message: Message): void {
    const now = this.#clock.now();
    this.#entries.push({ at: now, message });
    const oldest = this.#isHeld ? Number.NEGATIVE_INFINITY : now - KEPT_MS;
    while (this.#entries.length > KEPT_MAX || (this.#entries[0]?.at ?? now) < oldest) {
      this.#entries.shift();
    }
  }

  /** The engine is gone: nothing grows old until there is another. */
  hold(): void {
    const oldest = this.#clock.now() - KEPT_MS;
    this.#entries = this.#entries.filter(({ at }) => at >= oldest);
    this.#isHeld = true;
  }

  /** All of it, for the new engine. */
  take(): Message[] {
    const messages = this.#entries.map(({ message }) => message);
    this.#entries = [];
    this.#isHeld = false;
    return messages;
  }
}
