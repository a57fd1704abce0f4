import type { Channel } from "./channel.ts";

/** A channel whose other end can be replaced: what is sent goes to the newest. */
export class SwitchedChannel<Received, Sent> implements Channel<Received, Sent> {
  #current: Channel<Received, Sent>;
  #handle: (message: Received) => void = () => undefined;

  constructor(first: Channel<Received, Sent>) {
    this.#current = first;
    first.onMessage((message) => this.#handle(message));
  }

  switchTo(next: Channel<Received, Sent>): void {
    this.#current.close();
    this.#current = next;
    next.onMessage((message) => this.#handle(message));
  }

  send(message: Sent): void {
    this.#current.send(message);
  }

  onMessage(handle: (message: Received) => void): void {
    this.#handle = handle;
  }

  close(): void {
    this.#current.close();
  }
}
