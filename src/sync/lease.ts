import type { MonotonicMs } from "../core/clock.ts";
import { UnjamError } from "../core/errors.ts";
import type { CallSite } from "./call-site.ts";
import type { Flow } from "./flow.ts";
import type { Item } from "./item.ts";
import type { Member } from "./roster.ts";
import { roomOnStack } from "./stack-room.ts";

/** How a holder is through with an item. */
export type LeaseEnd =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "back" }
  /** Nobody can settle it any more: its lease or its loop was garbage-collected. */
  | { readonly kind: "forgotten"; readonly error: Error };

/** An item in somebody's hands. Not the lease itself, which may be forgotten and collected. */
export interface Holding<T> extends Member<Holding<T>> {
  readonly item: Item<T>;
  /** Where it was taken; `undefined` when that was not noted. */
  readonly site: CallSite | undefined;
  readonly takenAt: MonotonicMs;
  readonly flow: Flow | undefined;
  /** Takes the end; called once. */
  readonly settle: (end: LeaseEnd) => void;
  phase: "held" | "settled";
}

/**
 * An item that its holder must settle, once. Leaving a `using` block marks it done unless it was
 * settled before: a block that throws looks the same from here, so call `fail` in a `catch` where
 * that makes a difference.
 *
 * @example
 * import { JoinableQueue } from "unjam/sync";
 * const queue = new JoinableQueue<string>();
 * await queue.put("a");
 * const lease = await queue.get();
 * try {
 *   console.log(lease.value);
 *   lease.done();
 * } catch (error) {
 *   lease.fail(error);
 * }
 */
export class Lease<T> implements Disposable {
  readonly #holding: Holding<T>;

  /** Not for users: `get()` and `tryGet()` make it. */
  constructor(holding: Holding<T>) {
    this.#holding = holding;
    forgotten.register(this, holding, this);
  }

  /** What was put. Can be read after the end too. */
  get value(): T {
    return this.#holding.item.value;
  }

  /** Counts as done. An `ask` for it resolves with `undefined`. @throws UNJAM_LEASE_SETTLED */
  done(): void {
    this.#settle({ kind: "done" });
  }

  /** Counts as failed; `join` tells the error, and an `ask` rejects with it. @throws UNJAM_LEASE_SETTLED */
  fail(error: unknown): void {
    this.#settle({ kind: "failed", error });
  }

  /** Gives the item back: it is the next to be taken, and still unfinished. @throws UNJAM_LEASE_SETTLED */
  putBack(): void {
    this.#settle({ kind: "back" });
  }

  /** Marks it done; does nothing when it was settled before. */
  [Symbol.dispose](): void {
    if (this.#holding.phase === "held") this.done();
  }

  #settle(end: LeaseEnd): void {
    if (this.#holding.phase === "settled") {
      throw new UnjamError("UNJAM_LEASE_SETTLED", { what: "this lease" });
    }
    roomOnStack();
    forgotten.unregister(this);
    settleHolding(this.#holding, end);
  }
}

/** Called once, while it is held. */
export function settleHolding(holding: Ended, end: LeaseEnd): void {
  holding.phase = "settled";
  holding.settle(end);
}

const SETTLED = { lease: "it was settled", loop: "it asked for the next item" };

/** Nobody can settle it any more: `what` was to, and is garbage. */
export function forgetHolding(holding: Ended, what: "lease" | "loop"): void {
  const taken = holding.site === undefined ? "" : `; it was taken at ${holding.site.words}`;
  const error = new Error(`the ${what} was garbage-collected before ${SETTLED[what]}${taken}`);
  settleHolding(holding, { kind: "forgotten", error });
}

/** What a forgotten lease leaves behind, whatever its value was. */
type Ended = Pick<Holding<never>, "site" | "phase" | "settle">;

/** Leases that nobody can settle any more, because nobody has them. */
const forgotten = new FinalizationRegistry<Ended>((holding) => forgetHolding(holding, "lease"));
