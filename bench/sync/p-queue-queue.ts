import PQueue from "p-queue";
import { CONCURRENCY, type Contender, noop } from "./contender.ts";

/** No bound; a time-out only where asked for. */
export function pQueueQueue(): Contender {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  return {
    ask: (value) => queue.add(() => noop(value)),
    pause: () => queue.pause(),
    resume: () => void queue.start(),
  };
}
