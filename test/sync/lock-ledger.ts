/** Calls to a lock, with what each was told: whatever runs in their middle, the permits are right. */
import type { Diagnostics } from "../../src/sync/call-site.ts";
import type { Guard } from "../../src/sync/guard.ts";
import { Mutex } from "../../src/sync/mutex.ts";
import { Semaphore } from "../../src/sync/semaphore.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { type Dress, faultsIn } from "./queue-ledger.ts";
import { type Watched, watch } from "./queue-stage.ts";

export class LockLedger {
  readonly clock: ManualClock = new ManualClock();
  readonly lock: Mutex | Semaphore;
  readonly permits: 1 | 2;
  /** The calls of lock() in the order in which they got a permit. */
  readonly #granted: number[] = [];
  readonly #guards: Guard[] = [];
  readonly #stops: AbortController[] = [];
  readonly #waits: Watched<unknown>[] = [];
  #inRun = 0;
  #isExclusive = true;
  #callCount = 0;
  /** Calls that stood in line when the test began. */
  #inLine = 0;

  constructor(permits: 1 | 2, diagnostics: Diagnostics) {
    const ports = { clock: this.clock, timers: this.clock, random: (): number => 0.5 };
    this.permits = permits;
    this.lock =
      permits === 1
        ? new Mutex({ diagnostics }, ports)
        : new Semaphore(permits, { diagnostics }, ports);
  }

  /** Who holds all permits, and three who wait. */
  fill(): void {
    for (let n = 0; n < this.permits; n++) this.call("tryLock");
    for (let n = 0; n < 3; n++) this.call("lock");
    this.#inLine = 3;
  }

  call(name: LockCall, dress: Dress = (options) => options): void {
    CALLS[name](this, dress);
  }

  take(dress: Dress): void {
    const n = this.#callCount++;
    const stop = new AbortController();
    this.#stops.push(stop);
    const got = this.lock.lock(dress({ waitMs: 1_000, signal: stop.signal })).then((guard) => {
      this.#granted.push(n);
      this.#guards.push(guard);
    });
    this.#waits.push(watch(got));
  }

  tryTake(): void {
    const guard = this.lock.tryLock();
    if (guard !== undefined) this.#guards.push(guard);
  }

  run(dress: Dress): void {
    const body = async (): Promise<void> => {
      this.#inRun++;
      this.#isExclusive &&= this.#inRun <= this.permits;
      await Promise.resolve();
      this.#inRun--;
    };
    this.#waits.push(watch(this.lock.run(body, dress({ waitMs: 1_000 }))));
  }

  abort(): void {
    this.#stops.shift()?.abort("enough");
  }

  release(how: "release" | "dispose"): void {
    const guard = this.#guards.shift();
    if (how === "release") guard?.release();
    else guard?.[Symbol.dispose]();
  }

  /** What is wrong now, when no call is under way; empty when the lock is whole. */
  faults(): string[] {
    const held = this.lock.holders().length;
    const { waiters } = this.lock;
    return faultsIn([
      [held <= this.permits, "no more hold it than may"],
      [this.#free === this.permits - held, "each permit is free or held"],
      [this.#free === 0 || waiters === 0, "nobody waits for what is free"],
    ]);
  }

  /** Lets all come to its end; what is wrong after that. */
  async end(): Promise<string[]> {
    for (let round = 0; round < 20; round++) {
      await this.clock.rest();
      this.release("release");
    }
    await this.clock.advance(2_000);
    const first = this.#granted.filter((n) => n < this.#inLine);
    return faultsIn([
      [this.#free === this.permits && this.lock.waiters === 0, "all permits are free again"],
      [this.#waits.every(({ isPending }) => !isPending), "every call has ended"],
      [this.#isExclusive, "no more were inside than may"],
      [
        first.every((n, index) => index === 0 || n > (first[index - 1] ?? n)),
        `first come, first served: ${first.join(" ")}`,
      ],
    ]);
  }

  get #free(): number {
    return this.lock instanceof Mutex ? Number(!this.lock.isLocked) : this.lock.free;
  }
}

const CALLS = {
  lock: (ledger, dress) => ledger.take(dress),
  tryLock: (ledger) => ledger.tryTake(),
  run: (ledger, dress) => ledger.run(dress),
  release: (ledger) => ledger.release("release"),
  dispose: (ledger) => ledger.release("dispose"),
  abort: (ledger) => ledger.abort(),
  look: ({ lock }) => void lock.holders(),
} satisfies Record<string, (ledger: LockLedger, dress: Dress) => void>;

export type LockCall = keyof typeof CALLS;
export const LOCK_CALLS = Object.keys(CALLS) as LockCall[];
