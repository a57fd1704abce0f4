import { queue as newQueue } from "async";
import { CONCURRENCY, type Contender, noop } from "./contender.ts";

/** No bound, no deadlines. */
export function asyncQueue(): Contender {
  const queue = newQueue<number>(noop, CONCURRENCY);
  return {
    ask: (value) => queue.pushAsync(value),
    pause: () => queue.pause(),
    resume: () => queue.resume(),
  };
}
