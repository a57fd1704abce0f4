import type { Channel } from "./channel.ts";

/** Messages kept for an end that is to come; if it never does, they must not grow without end. */
const KEPT_MAX = 10_000;

/**
 * A channel whose other end can be replaced: what is sent goes to the newest. Once an end is known
 * to be gone, what is sent waits for the next.
 */
export class SwitchedChannel<Received, Sent> implements Channel<Received, Sent> {
  #current: Channel<Received, Sent>;
  #handle: ((message: Received) => void) | undefined;
  /** `undefined` while there is somebody to send to. */
  #kept: Sent[] | undefined;

  constructor(first: Channel<Received, Sent>) {
    this.#current = first;
  }

  /** @param first what the new end has to hear before anything that was kept for it */
  switchTo(next: Channel<Received, Sent>, first: readonly Sent[] = []): void {
    this.#current.close();
    this.#current = next;
    if (this.#handle !== undefined) next.onMessage(this.#handle);
    const kept = this.#kept ?? [];
    this.#kept = undefined;
    for (const message of new Set([...first, ...kept])) next.send(message);
  }

  /** The other end of `channel` is gone. False when it had been replaced already. */
  lost(channel: Channel<Received, Sent>): boolean {
    if (channel !== this.#current) return false;
    this.#kept ??= [];
    return true;
  }

  send(message: Sent): void {
    if (this.#kept === undefined) this.#current.send(message);
    else if (this.#kept.length < KEPT_MAX) this.#kept.push(message);
  }

  onMessage(handle: (message: Received) => void): void {
    this.#handle = handle;
    this.#current.onMessage(handle);
  }

  close(): void {
    this.#current.close();
  }
}
