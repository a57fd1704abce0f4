import { promise } from "fastq";
import { CONCURRENCY, type Contender, noop } from "./contender.ts";

/** fastq's promise API. No bound, no deadlines. */
export function fastqQueue(): Contender {
  const queue = promise<unknown, number, void>(noop, CONCURRENCY);
  return {
    ask: (value) => queue.push(value),
    pause: () => void queue.pause(),
    resume: () => void queue.resume(),
  };
}
