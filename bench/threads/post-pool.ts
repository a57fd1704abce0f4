import { Worker } from "node:worker_threads";
import type { Contender } from "./contender.ts";

interface Answer {
  readonly id: number;
  readonly value: unknown;
}

/** The raw limit of messages: one postMessage a call and one an answer. No errors, no deadlines. */
export function postPool(threads: number): Contender {
  const resolves = new Map<number, (value: unknown) => void>();
  let lastId = 0;
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL("./post-worker.ts", import.meta.url));
    worker.on("message", ({ id, value }: Answer) => {
      resolves.get(id)?.(value);
      resolves.delete(id);
    });
    return worker;
  });
  const call = (isEcho: boolean, value: unknown): Promise<unknown> =>
    new Promise((resolve) => {
      const id = ++lastId;
      resolves.set(id, resolve);
      workers[id % threads]?.postMessage({ id, isEcho, value });
    });
  return { increment: (input) => call(false, input), echo: (value) => call(true, value) };
}
