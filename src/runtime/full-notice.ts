import type { Clock } from "../core/clock.ts";
import type { AppEvent } from "../core/events.ts";

/** At most one notice per queue in this time; the next carries the count. */
const NOTICE_EVERY_MS = 1_000;

/** Says that a queue is full, without saying it for each of a thousand refused jobs. */
export class FullNotice {
  readonly #clock: Clock;
  readonly #send: (event: AppEvent) => void;
  readonly #queues = new Map<string, { count: number; saidAt: number }>();

  constructor(clock: Clock, send: (event: AppEvent) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  note(queue: string, capacity: number): void {
    const now = this.#clock.now();
    const said = this.#queues.get(queue) ?? { count: 0, saidAt: -NOTICE_EVERY_MS };
    said.count++;
    this.#queues.set(queue, said);
    if (now - said.saidAt < NOTICE_EVERY_MS) return;
    this.#send({ name: "full", data: { queue, capacity, count: said.count } });
    said.count = 0;
    said.saidAt = now;
  }
}
