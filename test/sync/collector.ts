import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

/** A full collection, now. Finalizers run in a later turn. */
export const collect = runInNewContext("gc") as () => void;

/** Far more than what is garbage was ever seen to need, which is two. */
const COLLECTIONS_MAX = 50;

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Lets the collector run until it has found what the condition is about.
 * @throws when that does not come: something still keeps it
 */
export async function collectUntil(condition: () => boolean, what: string): Promise<void> {
  for (let count = 0; !condition(); count++) {
    if (count === COLLECTIONS_MAX) {
      throw new Error(`after ${COLLECTIONS_MAX} collections it is not true that ${what}`);
    }
    // What the condition has looked at is kept for the rest of its turn.
    await turn();
    collect();
    await turn();
  }
}
