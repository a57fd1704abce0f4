import type { Clock, MonotonicMs, Timers } from "../core/clock.ts";
import { Fifo } from "../core/fifo.ts";
import { LOOP_TURN_MS_MAX } from "../core/limits.ts";

/**
 * Hands the engine's messages on in slices. A port delivers everything that has arrived in one go,
 * and each message may set off a thousand continuations of the user's code; between two slices the
 * loop gets its turn. With little to do a message is handled as it comes.
 */
export class Inbox<Message> {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #handle: (message: Message) => void;
  readonly #backlog = new Fifo<Message>();
  /** When the slice began; `undefined` between two turns. */
  #sliceStart: MonotonicMs | undefined;

  constructor(
    ports: { readonly clock: Clock; readonly timers: Timers },
    handle: (message: Message) => void,
  ) {
    this.#clock = ports.clock;
    this.#timers = ports.timers;
    this.#handle = handle;
  }

  receive(message: Message): void {
    if (this.#backlog.size > 0 || this.#isSliceOver()) this.#backlog.push(message);
    else this.#handle(message);
  }

  /** Begins a slice with the first message of a turn. */
  #isSliceOver(): boolean {
    if (this.#sliceStart !== undefined) {
      return this.#clock.now() - this.#sliceStart > LOOP_TURN_MS_MAX;
    }
    this.#beginSlice();
    return false;
  }

  #beginSlice(): void {
    this.#sliceStart = this.#clock.now();
    this.#timers.soon(() => this.#nextTurn());
  }

  /** One message a turn while there is a backlog: what its continuations cost shows only afterwards. */
  #nextTurn(): void {
    this.#sliceStart = undefined;
    const message = this.#backlog.shift();
    if (message === undefined) return;
    this.#beginSlice();
    this.#handle(message);
  }
}
