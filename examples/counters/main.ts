/** A shared counter, three ways that count exactly: under a lock, with one owner, and two at once. */
import { JoinableQueue, Mutex } from "unjam/sync";
import { pause } from "./pause.ts";

const WRITERS = 2;
const INCREMENTS = 1_000;

/** Under a lock nobody comes in between the reading and the writing. */
async function underALock(): Promise<number> {
  const lock = new Mutex({ name: "hits" });
  let hits = 0;
  async function write(): Promise<void> {
    for (let n = 0; n < INCREMENTS; n++) {
      await lock.run(async () => {
        const before = hits;
        await pause();
        hits = before + 1;
      });
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, write));
  return hits;
}

/** One consumer owns the counters, the others send it names: nothing is shared. */
async function withOneOwner(): Promise<number> {
  const counters = new Map<string, number>();
  const increments = new JoinableQueue<string>({ name: "increments", capacity: 100 });
  increments.consume(async (name) => {
    const before = counters.get(name) ?? 0;
    await pause();
    counters.set(name, before + 1);
  });
  async function write(): Promise<void> {
    for (let n = 0; n < INCREMENTS; n++) await increments.put("hits");
  }
  await Promise.all(Array.from({ length: WRITERS }, write));
  await increments.join();
  return counters.get("hits") ?? 0;
}

/** Who needs two locks takes them in one order everywhere. */
async function withTwoLocks(): Promise<number> {
  const [L1, L2] = [new Mutex({ name: "L1" }), new Mutex({ name: "L2" })];
  const balance = { first: 100, second: 0 };
  const move = (amount: number): Promise<void> =>
    L1.run(async () => {
      await pause();
      await L2.run(() => {
        balance.first -= amount;
        balance.second += amount;
      });
    });
  await Promise.all([move(30), move(-10), move(5)]);
  return balance.first + balance.second;
}

console.log(`under a lock: ${await underALock()} of ${WRITERS * INCREMENTS}`);
console.log(`with one owner: ${await withOneOwner()} of ${WRITERS * INCREMENTS}`);
console.log(`two locks in one order: the sum is ${await withTwoLocks()} of 100`);
