/** Two locks taken in two orders, with a lock as it is usually written: both hang for ever. */
import { pause } from "./pause.ts";

const WAIT_MS = 1_000;

/** A chain of promises: who comes waits for who came before. */
class ChainLock {
  #last: Promise<void> = Promise.resolve();

  async lock(): Promise<() => void> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    return resolve;
  }
}

const L1 = new ChainLock();
const L2 = new ChainLock();

async function move(from: ChainLock, to: ChainLock): Promise<void> {
  const unlockFrom = await from.lock();
  await pause();
  const unlockTo = await to.lock();
  unlockTo();
  unlockFrom();
}

setTimeout(() => {
  console.error(`still waiting for both moves after ${WAIT_MS} ms`);
  process.exit(1);
}, WAIT_MS);
await Promise.all([move(L1, L2), move(L2, L1)]);
console.log("both moved");
process.exit();
