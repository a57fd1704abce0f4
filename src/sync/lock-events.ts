import type { Logger } from "../core/job-context.ts";
import { invalid } from "../core/options.ts";
import type { SiteKind } from "../core/site-words.ts";
import type { LockOrderReport } from "./lock-order.ts";
import { thrownText } from "./thrown-text.ts";
import { Warnings } from "./warnings.ts";

/** Everything that a lock tells those who listen: a closed list. Each is a warning in the log too. */
export interface LockEventMap {
  /**
   * This lock and another were taken in both orders, so that two flows that meet in between wait
   * for each other for ever. Once per pair of locks: the event of both, and one line in the log.
   */
  readonly "lock-order": LockOrderReport;
  /** The collector found a guard that nobody had released; it was released then. */
  readonly "guard-lost": {
    /** The lock in words: `mutex "orders"`. */
    readonly what: string;
    /** Who had taken it: `bookOrder()`. */
    readonly holder: string;
    /** `orders.ts:31 in bookOrder`; `null` when its place was not noted. */
    readonly site: string | null;
    /** What that place is: see {@link SiteKind}. */
    readonly siteKind: SiteKind;
    /** From taking it to being found, in whole milliseconds. */
    readonly heldMs: number;
  };
}

/** What `on()` of a lock takes: a name of {@link LockEventMap}. */
export type LockEventName = keyof LockEventMap;

type Listener<N extends LockEventName> = (data: LockEventMap[N]) => void;

export class LockEvents {
  readonly #listeners: { readonly [N in LockEventName]: Set<Listener<N>> } = {
    "lock-order": new Set(),
    "guard-lost": new Set(),
  };
  readonly #warnings: Warnings;

  constructor(logger: Logger | undefined) {
    this.#warnings = new Warnings(logger);
  }

  /** @throws UNJAM_INVALID_OPTION for a name that is not in the list, or a listener that is no function */
  on<N extends LockEventName>(name: N, listener: Listener<N>): () => void {
    const known = Object.keys(this.#listeners);
    if (!known.includes(name)) throw invalid("event", "on()", known.join(", "), name);
    if (typeof listener !== "function") throw invalid("listener", "on()", "a function", listener);
    const listeners = this.#listeners[name];
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  warn(fields: object, message: string): void {
    this.#warnings.warn(fields, message);
  }

  /** What a listener throws goes to the log: it stops neither the others nor the lock. */
  emit<N extends LockEventName>(name: N, data: LockEventMap[N]): void {
    for (const listener of [...this.#listeners[name]]) {
      try {
        listener(data);
      } catch (error) {
        this.warn({ event: name, error: thrownText(error) }, "a listener of a lock threw");
      }
    }
  }
}
