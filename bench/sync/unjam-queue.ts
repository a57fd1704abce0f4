import { JoinableQueue } from "unjam/sync";
import { CAPACITY, CONCURRENCY, type Contender, noop } from "./contender.ts";

/** Default options but for the room: call sites sampled, deadlines and the wait-for graph on. */
export function unjamQueue(): Contender {
  const queue = new JoinableQueue<number>({ capacity: CAPACITY });
  queue.consume(noop, { concurrency: CONCURRENCY });
  return {
    ask: (value) => queue.ask(value),
    pause: () => queue.pause(),
    resume: () => queue.resume(),
  };
}
