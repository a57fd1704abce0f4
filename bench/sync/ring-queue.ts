import { CAPACITY, CONCURRENCY, type Contender, noop } from "./contender.ts";

interface Entry {
  readonly value: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The raw limit: a preallocated ring and one promise an item. No bound, no order of waiters, no deadlines. */
export function ringQueue(): Contender {
  const mask = 2 ** Math.ceil(Math.log2(CAPACITY)) - 1;
  const ring: (Entry | undefined)[] = Array.from<Entry | undefined>({ length: mask + 1 });
  let head = 0;
  let tail = 0;
  let runningCount = 0;
  let isPaused = false;
  const work = async (): Promise<void> => {
    runningCount++;
    for (;;) {
      if (head === tail || isPaused) break;
      const index = head++ & mask;
      const entry = ring[index];
      ring[index] = undefined;
      if (entry === undefined) continue;
      try {
        entry.resolve(await noop(entry.value));
      } catch (error) {
        entry.reject(error);
      }
    }
    runningCount--;
  };
  return {
    ask: (value) =>
      new Promise((resolve, reject) => {
        ring[tail++ & mask] = { value, resolve, reject };
        if (runningCount < CONCURRENCY && !isPaused) void work();
      }),
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
      for (let worker = 0; worker < CONCURRENCY; worker++) void work();
    },
  };
}
