/**
 * The proof that a flow waits: V8's async stack trace, taken in the continuation of an async
 * function, holds the functions that await it, through any number of async functions,
 * `Promise.all` and `Promise.allSettled`. A function that only started the wait, or its siblings,
 * are not in it. Chains end where a promise has two listeners.
 *
 * V8 also follows `then`, `catch` and `finally`, and plain resolving functions: those that
 * `Promise.race` and `new Promise((resolve) => wait.then(resolve))` give to `then`. These leave no
 * frame, so that what else would end such an await (a timer in the race, a sibling in `Promise.all`
 * that fails) is not seen, and does not count. Seen and left out are `Promise.any`, and all of them
 * when they are put around the promise of the wait itself, whose listeners are watched.
 */
import type { CallSite } from "./call-site.ts";
import type { Flow } from "./flow.ts";
import { readTags } from "./scope-tags.ts";
import { captureStack, type Frame, readFrames, type Stack, TASK_QUEUES } from "./stack-frames.ts";

/** `flow` and those around it that the chain shows to await what was begun at `site`. */
export function provenFlows(
  flow: Flow,
  chain: readonly Frame[],
  site: CallSite | undefined,
): readonly Flow[] {
  const awaiting = uncertainEnd(chain);
  const tags = readTags(awaiting);
  const proven: Flow[] = [];
  for (let f: Flow | undefined = flow; f !== undefined; f = f.parent) {
    if (!f.isOver && isIn(f, { awaiting, tags, site })) proven.push(f);
  }
  return proven;
}

function isIn(
  { stand, tag }: Flow,
  chain: {
    readonly awaiting: readonly Frame[];
    readonly tags: readonly number[];
    readonly site: CallSite | undefined;
  },
): boolean {
  if (stand !== undefined) return stand.awaits(chain.awaiting, chain.site);
  return tag !== undefined && chain.tags.includes(tag);
}

/** The frames that await, as far as each of them can only go on when the one before it does. */
function uncertainEnd(chain: readonly Frame[]): readonly Frame[] {
  const awaiting = chain.filter(({ isAsync }) => isAsync);
  const any = awaiting.findIndex(({ script, name }) => script === "" && name === "any");
  return any === -1 ? awaiting : awaiting.slice(0, any);
}

/**
 * Watches who listens to a promise that is handed out. `await`, `Promise.all` and an async
 * function that returns it await it alone; whoever calls `then` may await something else as well:
 * `Promise.race` against a timer, or `new Promise((resolve) => wait.then(resolve))`. Around an async
 * function that awaits the promise they cannot be seen.
 */
export function watchListeners(promise: Promise<unknown>, onUncertain: () => void): void {
  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise, and stays one.
  void Object.defineProperty(promise, "then", {
    configurable: true,
    writable: true,
    value: function then(...args: Parameters<typeof Promise.prototype.then>): Promise<unknown> {
      if (!isPlainAwait(captureStack(1, then))) onUncertain();
      return Promise.prototype.then.apply(promise, args);
    },
  });
}

function isPlainAwait(stack: Stack): boolean {
  const [caller] = readFrames(stack);
  // No caller, or the loop that drains microtasks: the engine follows a promise that was returned.
  // Node 26 also gives the function that awaits that one, as suspended.
  if (caller === undefined || caller.isAsync || caller.script === TASK_QUEUES) return true;
  return caller.script === "" && (caller.name === "all" || caller.name === "allSettled");
}
