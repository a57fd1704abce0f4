import { task, type Task } from "../../src/index.ts";
import { crashOnce } from "./mark-file.ts";

/** What can be executed. A payload names one of these: it is data, never code. */
const FUNCTIONS = {
  add: (...terms: number[]) => terms.reduce((sum, term) => sum + term, 0),
  reverse: (text: string) => text.split("").toReversed().join(""),
  primesBelow: (limit: number) => {
    const primes: number[] = [];
    for (let n = 2; n < limit; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
    return primes.length;
  },
  fail: (message: string) => {
    throw new RangeError(message);
  },
  crashOnce: (mark: string) => {
    crashOnce(mark);
    return "survived";
  },
} as const;

interface Execution {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** Executes one of the functions on a thread. */
export const execute: Task<Execution> = task(
  "execute",
  { runs: "thread", attempts: 1 },
  async ({ name, args }: Execution) => {
    if (!Object.hasOwn(FUNCTIONS, name)) throw new Error(`there is no function "${name}"`);
    const run = FUNCTIONS[name as keyof typeof FUNCTIONS] as (
      ...args: readonly unknown[]
    ) => unknown;
    return run(...args);
  },
);
