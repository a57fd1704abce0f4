import { UnjamError } from "../../core/errors.ts";
import type { CallSite } from "../../sync/call-site.ts";
import type { QueueEngine, TakenBlock } from "./queue-engine.ts";

/** What a lease stands for. It must not know its lease, which the collector may find. */
interface Holding {
  /** The thread's end of the queue: it must not be given up while one of its items is held. */
  readonly end: { readonly engine: QueueEngine };
  readonly taken: TakenBlock;
  readonly site: CallSite | undefined;
}

/**
 * An item that its holder must settle, once. Leaving a `using` block marks it done unless it was
 * settled before: a block that throws looks the same from here, so call `fail` in a `catch` where
 * that makes a difference. When the thread that holds it dies, the item goes back to the queue.
 */
export class SharedLease<T> implements Disposable {
  readonly value: T;
  /** How often a thread that held this item died before. */
  readonly losses: number;
  readonly #holding: Holding;
  #phase: "held" | "settled" = "held";

  /** Not for users: `get`, `getSync` and `tryGet` make it. */
  constructor(holding: Holding) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by a put of the same queue, which its caller typed.
    this.value = holding.taken.value as T;
    this.losses = holding.taken.losses;
    this.#holding = holding;
    forgotten.register(this, holding, this);
  }

  /** @throws UNJAM_LEASE_SETTLED */
  done(): void {
    this.#settle(({ end, taken }) => end.engine.done(taken));
  }

  /** Counts as failed; `join` tells the error. @throws UNJAM_LEASE_SETTLED */
  fail(error: unknown): void {
    this.#settle(({ end, taken }) => end.engine.fail(taken, error));
  }

  /** Gives the item back: it is the next to be taken, and still unfinished. @throws UNJAM_LEASE_SETTLED */
  putBack(): void {
    this.#settle(({ end, taken }) => end.engine.putBack(taken));
  }

  [Symbol.dispose](): void {
    if (this.#phase === "held") this.done();
  }

  #settle(settle: (holding: Holding) => boolean): void {
    const isSettled = this.#phase === "held" && settle(this.#holding);
    this.#phase = "settled";
    if (!isSettled) throw new UnjamError("UNJAM_LEASE_SETTLED", { what: "this lease" });
    forgotten.unregister(this);
  }
}

/** Leases that nobody can settle any more, because nobody has them. */
const forgotten = new FinalizationRegistry<Holding>(({ end, taken, site }) => {
  const { engine } = end;
  const where = site === undefined ? "" : `; it was taken at ${site.words}`;
  const error = new Error(`the lease was garbage-collected before it was settled${where}`);
  engine.fail(taken, error);
});
