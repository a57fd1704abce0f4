import { Mutex as AsyncMutex } from "async-mutex";
import { Mutex } from "unjam/sync";

/** Takes a lock and lets go of it at once. */
export type Pass = () => Promise<void>;

function unjam(diagnostics: "sampled" | "full" | "off"): Pass {
  const mutex = new Mutex({ diagnostics });
  return async () => {
    const guard = await mutex.lock();
    guard.release();
  };
}

/** No deadlines, no bound of waiters, no deadlocks found. */
function asyncMutex(): Pass {
  const mutex = new AsyncMutex();
  return async () => {
    const release = await mutex.acquire();
    release();
  };
}

/** The raw limit: everybody awaits the one before. */
function promiseChain(): Pass {
  let last: Promise<void> = Promise.resolve();
  return async () => {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    await before;
    resolve();
  };
}

const CONTENDERS: ReadonlyMap<string, () => Pass> = new Map([
  ["unjam", () => unjam("sampled")],
  ["unjam-off", () => unjam("off")],
  ["unjam-full", () => unjam("full")],
  ["async-mutex", asyncMutex],
  ["chain", promiseChain],
]);

export function aLock(name: string): Pass {
  const make = CONTENDERS.get(name);
  if (make === undefined) throw new Error(`no contender "${name}"`);
  return make();
}
