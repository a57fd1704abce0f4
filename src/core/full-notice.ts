import type { Clock } from "./clock.ts";
import { FULL_NOTICE_MS } from "./limits.ts";

/** A queue that refused somebody or let him wait, and how often since the last notice. */
export interface Fullness {
  readonly queue: string;
  readonly capacity: number;
  readonly count: number;
}

/** Says that a queue is full, without saying it for each of a thousand refused. */
export class FullNotice {
  readonly #clock: Clock;
  readonly #send: (fullness: Fullness) => void;
  readonly #queues = new Map<string, { count: number; saidAt: number }>();

  constructor(clock: Clock, send: (fullness: Fullness) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  note(queue: string, capacity: number): void {
    const now = this.#clock.now();
    const said = this.#queues.get(queue) ?? { count: 0, saidAt: Number.NEGATIVE_INFINITY };
    said.count++;
    this.#queues.set(queue, said);
    if (now - said.saidAt < FULL_NOTICE_MS) return;
    const { count } = said;
    said.count = 0;
    said.saidAt = now;
    this.#send({ queue, capacity, count });
  }
}
