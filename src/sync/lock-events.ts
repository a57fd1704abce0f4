import { invalid } from "../core/options.ts";
import type { LockOrderReport } from "./lock-order.ts";

/** Everything that a lock tells those who listen: a closed list. */
export interface LockEventMap {
  /**
   * This lock and another were taken in both orders, so that two flows that meet in between wait
   * for each other for ever. Once per pair of locks, told by both.
   */
  readonly "lock-order": LockOrderReport;
  /** The collector found a guard that nobody had released; it was released then. */
  readonly "guard-lost": {
    readonly what: string;
    readonly who: string;
    readonly site: string | undefined;
    readonly heldMs: number;
  };
}

export type LockEventName = keyof LockEventMap;

type Listener<N extends LockEventName> = (data: LockEventMap[N]) => void;

export class LockEvents {
  readonly #listeners: { readonly [N in LockEventName]: Set<Listener<N>> } = {
    "lock-order": new Set(),
    "guard-lost": new Set(),
  };

  /** @throws UNJAM_INVALID_OPTION for a name that is not in the list */
  on<N extends LockEventName>(name: N, listener: Listener<N>): () => void {
    const known = Object.keys(this.#listeners);
    if (!known.includes(name)) throw invalid("event", "on()", known.join(", "), name);
    if (typeof listener !== "function") throw invalid("listener", "on()", "a function", listener);
    const listeners = this.#listeners[name];
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** What a listener throws is dropped: it stops neither the others nor the lock. */
  emit<N extends LockEventName>(name: N, data: LockEventMap[N]): void {
    for (const listener of [...this.#listeners[name]]) {
      try {
        listener(data);
      } catch {
        // Whoever called the lock has nothing to do with it.
      }
    }
  }
}
