import { FixedQueue, Piscina } from "piscina";
import type { Contender } from "./contender.ts";

/** As it comes: one call at a time to a thread, threads asleep in Atomics.wait. */
export function piscinaPool(threads: number): Contender {
  return contender(new Piscina(settings(threads)));
}

/** The best of the settings its documentation has for many small calls. */
export function tunedPiscinaPool(threads: number): Contender {
  return contender(
    new Piscina({
      ...settings(threads),
      concurrentTasksPerWorker: 64,
      taskQueue: new FixedQueue(),
      recordTiming: false,
    }),
  );
}

function settings(threads: number): { filename: string; minThreads: number; maxThreads: number } {
  const { href: filename } = new URL("./work.ts", import.meta.url);
  return { filename, minThreads: threads, maxThreads: threads };
}

function contender(pool: Piscina): Contender {
  return {
    increment: (input) => pool.run(input, { name: "increment" }),
    echo: (value) => pool.run(value, { name: "echo" }),
  };
}
