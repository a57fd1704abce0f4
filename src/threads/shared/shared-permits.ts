/**
 * The one implementation behind SharedMutex and SharedSemaphore: waits for the permits of a
 * PermitTable, by a thread that blocks or by an event loop. Async callers are flows as those of
 * unjam/sync, so that a wait which really blocks its flow can be told from one that does not.
 */
import { UnjamError } from "../../core/errors.ts";
import { HOLDERS_NAMED_MAX, LOCK_PATIENCE_MS, SHARED_DEADLOCK_LOOK_MS } from "../../core/limits.ts";
import { siteInWords } from "../../core/site-words.ts";
import type { CallSite, Diagnostics } from "../../sync/call-site.ts";
import { SiteSampler } from "../../sync/call-site.ts";
import { currentFlow, Flow, runInFlow } from "../../sync/flow.ts";
import { type FormerHolder, Guard, type GuardOwner, Hold } from "../../sync/guard.ts";
import { LockEvents } from "../../sync/lock-events.ts";
import { enterLockFlow, withChain } from "../../sync/lock-flow.ts";
import type { SlowWait, WaitBegun } from "../../sync/slow-wait.ts";
import type { Below } from "../../sync/stack-frames.ts";
import { defaultSyncPorts } from "../../sync/sync-ports.ts";
import { waitInFlow } from "../../sync/wait-graph.ts";
import { waitAtBell } from "./bell.ts";
import { BellListener } from "./bell-listener.ts";
import { type SharedLockHandle, viewLockMemory } from "./lock-memory.ts";
import { type Permit, PermitTable, type SharedLockHolder } from "./permit-table.ts";
import { type BoardedLock, heldHere, PostedWait } from "./posted-wait.ts";
import { sharedNow } from "./shared-clock.ts";
import { type Inherited, inheritFromWorkers, ownThread, threadName } from "./thread-life.ts";
import { type LockId, WaitBoard } from "./wait-board.ts";
import type { WaitTerms } from "./wait-terms.ts";

/** What runs under a lock. It is told who died with the lock before, if that was how it came free. */
export type UnderLock<T> = (formerDied: FormerHolder | undefined) => T;

/** Who takes a permit, and where. */
interface Taker {
  readonly flow: Flow | undefined;
  readonly site: CallSite | undefined;
}

export class SharedPermits implements GuardOwner, Inherited, BoardedLock {
  readonly what: string;
  readonly ordered: undefined;
  readonly board: WaitBoard;
  readonly events: LockEvents = new LockEvents(undefined);
  readonly handle: SharedLockHandle;
  readonly table: PermitTable;
  readonly #sampler: SiteSampler;
  readonly #listener: BellListener;
  readonly #permits = new Map<Hold, Permit>();

  private constructor(handle: SharedLockHandle, diagnostics: Diagnostics | undefined) {
    const kind = handle.kind === "unjam/shared-mutex" ? "mutex" : "semaphore";
    this.what = handle.name === "" ? `a shared ${kind}` : `shared ${kind} "${handle.name}"`;
    this.handle = handle;
    this.board = boardOf(handle.board);
    this.table = new PermitTable(viewLockMemory(handle.memory, this.what));
    this.#sampler = new SiteSampler(diagnostics, defaultSyncPorts.clock);
    this.#listener = new BellListener({
      bell: this.table.memory.bell,
      isMoreThere: () => this.table.freeCount > 0,
      look: () => this.table.sweep(false),
    });
    inheritFromWorkers(this);
  }

  /** The thread's own end of the lock behind a handle. */
  static of(handle: SharedLockHandle, diagnostics?: Diagnostics): SharedPermits {
    const [first, second] = viewLockMemory(handle.memory, handle.kind).id;
    const key = `${first} ${second}`;
    const known = ends.get(key)?.deref();
    if (known !== undefined) return known;
    const permits = new SharedPermits(handle, diagnostics);
    ends.set(key, new WeakRef(permits));
    unused.register(permits, { key, table: permits.table });
    return permits;
  }

  get id(): LockId {
    return this.table.memory.id;
  }

  get permitCount(): number {
    return this.table.memory.permitCount;
  }

  get waitersCount(): number {
    return this.#listener.count;
  }

  holders(): readonly SharedLockHolder[] {
    return this.table.holders();
  }

  threadGone(): void {
    this.table.sweep(true);
  }

  /** A permit for the caller of `below`, at once or not at all. */
  tryTake(below: Below): Guard | undefined {
    const permit = this.table.take(0);
    if (permit === undefined) return undefined;
    const site = this.#sampler.sample(below);
    return this.#grant(permit, { flow: enterLockFlow(site), site });
  }

  /** The same, blocking the thread. @throws UNJAM_WAIT_TIMEOUT, UNJAM_DEADLOCK */
  takeSync(terms: WaitTerms, below: Below): Guard {
    const guard = this.tryTake(below);
    if (guard !== undefined) return guard;
    const { permit, site } = this.#sleepFor(terms, below);
    return this.#grant(permit, { flow: enterLockFlow(site), site });
  }

  /** Calls `body` with a permit. The thread does nothing else meanwhile, so nobody needs a guard. */
  runSync<T>(body: UnderLock<T>, terms: WaitTerms, below: Below): T {
    const free = this.table.take(0);
    const { permit, site } =
      free === undefined
        ? this.#sleepFor(terms, below)
        : { permit: free, site: this.#sampler.sample(below) };
    const hold = this.#hold(permit, { flow: enterLockFlow(site), site });
    try {
      return body(permit.formerDied);
    } finally {
      hold.release();
    }
  }

  #sleepFor({ waitMs }: WaitTerms, below: Below): { permit: Permit; site: CallSite | undefined } {
    const since = sharedNow();
    const site = this.#sampler.capture(below);
    const wait = this.table.newWait();
    const posted = new PostedWait(this, site);
    try {
      const permit = waitAtBell(this.table.memory.bell, {
        waitMs,
        firstLookMs: SHARED_DEADLOCK_LOOK_MS,
        attempt: () => this.#attempt(wait, since),
        isMoreThere: () => this.table.freeCount > 0,
        look: () => {
          this.table.sweep(false);
          // Not before its first look: most waits are over by then, and to tell of one takes time.
          posted.postThread();
          const deadlock = posted.deadlock();
          if (deadlock !== undefined) throw deadlock;
        },
      });
      if (permit === undefined) throw this.#lateError(since);
      return { permit, site };
    } finally {
      posted.end();
      this.table.renounce(wait);
    }
  }

  /** A permit for the caller of `below`. The promise must reach that caller as it is. */
  take(terms: WaitTerms, below: Below): Promise<Guard> {
    const permit = this.#listener.count === 0 ? this.table.take(0) : undefined;
    const isFree = permit !== undefined;
    const site = isFree ? this.#sampler.sample(below) : this.#sampler.capture(below);
    const waiting = site === undefined ? undefined : currentFlow();
    const flow = enterLockFlow(site);
    return isFree
      ? withChain(this.#grant(permit, { flow, site }), flow)
      : this.#wait(terms, { flow, site, waiting });
  }

  /** Calls `body` with a permit, in a flow of its own. */
  run<T>(body: UnderLock<T | PromiseLike<T>>, terms: WaitTerms, below: Below): Promise<T> {
    const site = this.#sampler.capture(below);
    const flow = this.#sampler.isOff ? undefined : new Flow(this.#runName());
    const scope = async (): Promise<T> => {
      const permit = this.#listener.count === 0 ? this.table.take(0) : undefined;
      const guard =
        permit === undefined
          ? await this.#wait(terms, { flow, site, waiting: flow })
          : this.#grant(permit, { flow, site });
      try {
        return await body(guard.formerDied);
      } finally {
        guard[Symbol.dispose]();
      }
    };
    return flow === undefined ? scope() : runInFlow(flow, scope);
  }

  released(hold: Hold): void {
    const permit = this.#permits.get(hold);
    if (permit === undefined) return;
    this.#permits.delete(hold);
    heldHere.delete(hold);
    this.table.release(permit);
  }

  /** Holders are read anew at each look: those of other threads change unseen. */
  handedOn(): void {}

  lost({ site, sinceAt }: Hold, holder: string): void {
    const heldMs = Math.round(defaultSyncPorts.clock.now() - sinceAt);
    const lost = { what: this.what, holder, ...this.#sampler.told(site), heldMs };
    this.events.warn(lost, "a guard was garbage-collected before it was released");
    this.events.emit("guard-lost", lost);
  }

  #runName(): string {
    return `${threadName(ownThread().threadId)}, run of ${this.what}`;
  }

  #attempt(wait: number, since: number): Permit | undefined {
    const permit = this.table.take(wait);
    if (permit === undefined && sharedNow() - since >= LOCK_PATIENCE_MS) this.table.inherit(wait);
    return permit;
  }

  #grant(permit: Permit, taker: Taker): Guard {
    return new Guard(this.#hold(permit, taker), permit.formerDied);
  }

  #hold(permit: Permit, { flow, site }: Taker): Hold {
    const hold = new Hold(this, { flow, site, at: defaultSyncPorts.clock.now() });
    this.#permits.set(hold, permit);
    heldHere.set(hold, this);
    if (site !== undefined) this.table.noteSite(permit, site);
    return hold;
  }

  #wait(
    terms: WaitTerms,
    { flow, site, waiting }: Taker & { readonly waiting: Flow | undefined },
  ): Promise<Guard> {
    const since = sharedNow();
    const wait = this.table.newWait();
    const slow: SlowWait<Guard, WaitBegun> = this.#listener.wait<Guard>(terms, {
      attempt: () => {
        const permit = this.#attempt(wait, since);
        return permit === undefined ? undefined : this.#grant(permit, { flow, site });
      },
      late: () => this.#lateError(since),
      end: () => this.table.renounce(wait),
    });
    if (waiting === undefined) return withChain(slow.promise, flow);
    const posted = new PostedWait(this, site);
    return waitInFlow({
      ...{ flow: waiting, what: this.what, site, settled: slow.promise },
      ...{ timers: defaultSyncPorts.timers, movers: () => "unknown" },
      refuse: (error) => slow.refuse(error),
      onProof: (flows) => posted.proven(flows, (error) => slow.refuse(error)),
      ...(flow?.stand === undefined ? {} : { deliver: (guard, to) => guard.deliver(to) }),
    });
  }

  #lateError(since: number): UnjamError<"UNJAM_WAIT_TIMEOUT"> {
    const holders = this.holders();
    const named = holders.slice(0, HOLDERS_NAMED_MAX).map(describe);
    const rest = holders.length - named.length;
    const held = `held by ${named.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
    return new UnjamError("UNJAM_WAIT_TIMEOUT", {
      what: `the wait for ${this.what}`,
      waitedMs: Math.round(sharedNow() - since),
      state: holders.length === 0 ? "free" : held,
    });
  }
}

function describe({ who, site, siteKind, sinceMs }: SharedLockHolder): string {
  const place = site === undefined ? "" : ` (${siteInWords(site, siteKind)})`;
  return `${who}${place} for ${Math.round(sinceMs)} ms`;
}

/** The boards that this thread knows, by their ids; the first is for locks that it makes. */
const boards = new Map<string, WaitBoard>();

function boardOf(memory: SharedArrayBuffer): WaitBoard {
  const board = new WaitBoard(memory);
  const known = boards.get(board.id) ?? board;
  boards.set(known.id, known);
  return known;
}

/** The board for a new lock. One is enough for a process, as long as its locks are passed on by their handles. */
export function newLocksBoard(): WaitBoard {
  const [first] = boards.values();
  const board = first ?? WaitBoard.make();
  boards.set(board.id, board);
  return board;
}

const ends = new Map<string, WeakRef<SharedPermits>>();

const unused = new FinalizationRegistry<{ readonly key: string; readonly table: PermitTable }>(
  ({ key, table }) => {
    if (ends.get(key)?.deref() === undefined) ends.delete(key);
    table.leave();
  },
);
