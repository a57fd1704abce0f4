import { handle, type Handler, task, type Task } from "../../src/index.ts";
import { primesBelow } from "./primes.ts";

interface Order {
  readonly below: number;
}
interface Primes {
  readonly primes: number;
  readonly pid: number;
}

/** One handler, wherever it runs. */
const countPrimes: Handler<Order, Primes> = async ({ below }, context) => {
  const primes = primesBelow(below, (share) => context.progress(share));
  return { primes, pid: process.pid };
};

/** On a thread of the server. */
export const compute: Task<Order, Primes> = task(
  "compute",
  { queue: "compute", runs: "thread" },
  countPrimes,
);

/** On workers in other processes: the server only has the definition. */
export const scaleCompute: Task<Order, Primes> = task<Order, Primes>("scale-compute", {
  queue: "scale",
  runs: "thread",
});
export const scaleComputeHandler: Task<Order, Primes> = handle(scaleCompute, countPrimes);

/** Keeps a core busy until it is cancelled. */
export const burn: Task<null> = task(
  "burn",
  { queue: "burn", runs: "thread", attempts: 1 },
  async (_: null, context) => {
    context.step("burning");
    for (;;);
  },
);
