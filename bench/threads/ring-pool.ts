import { Worker } from "node:worker_threads";
import { BareRing, newRing } from "./bare-ring.ts";
import type { Contender } from "./contender.ts";

/** The raw limit of shared memory: JSON, one ring each way, no errors, deadlines, or other values. */
export function ringPool(threads: number): Contender {
  const resolves = new Map<number, (value: unknown) => void>();
  let lastId = 0;
  let isFlushDue = false;
  const rings = Array.from({ length: threads }, () => startThread(resolves));
  const flush = (): void => {
    isFlushDue = false;
    for (const ring of rings) ring.publish();
  };
  const increment = (input: unknown): Promise<unknown> =>
    new Promise((resolve) => {
      const id = (lastId = (lastId + 1) | 0);
      resolves.set(id, resolve);
      const isTaken = rings[id % threads]?.push(id, JSON.stringify(input));
      if (isTaken !== true) throw new Error("the ring is full");
      if (isFlushDue) return;
      isFlushDue = true;
      queueMicrotask(flush);
    });
  return { increment, echo: () => Promise.reject(new Error("not measured")) };
}

function startThread(resolves: Map<number, (value: unknown) => void>): BareRing {
  const workerData = { calls: newRing(), answers: newRing() };
  const worker = new Worker(new URL("./ring-worker.ts", import.meta.url), { workerData });
  worker.on("error", (error) => {
    throw error;
  });
  const answers = new BareRing(workerData.answers);
  void read(answers, (id, text) => {
    resolves.get(id)?.(JSON.parse(text));
    resolves.delete(id);
  });
  return new BareRing(workerData.calls);
}

async function read(ring: BareRing, each: (id: number, text: string) => void): Promise<never> {
  for (;;) {
    await ring.filled();
    ring.drain(each);
  }
}
