import { invariant } from "../core/invariant.ts";
import type { CallSite } from "./call-site.ts";
import { freeTag, runTagged, takeTag } from "./scope-tags.ts";
import type { OrderedLock } from "./lock-order.ts";
import type { Stand } from "./stand.ts";

/** Something that a flow holds and others may wait for. */
export interface Holding {
  /** In words: `mutex "orders"`. */
  readonly what: string;
  readonly site: CallSite | undefined;
  /** The thing itself, when the order in which such things are taken matters. */
  readonly ordered?: OrderedLock | undefined;
}

/** What a flow waits for, as reports name it. */
export interface OpenWait {
  readonly what: string;
}

/**
 * Who may hold and wait: a line of execution, followed through its `await`s. A *scope* flow is the
 * run of one function (a consumer's item, `mutex.run`); a *lock* flow is the rest of the function
 * that called `lock()`, from there on.
 *
 * `AsyncLocalStorage` only proposes: the store that `lock()` leaves behind is also seen by whoever
 * called its caller. Whether a flow really waits is proved by the await chain (await-chain.ts).
 */
export class Flow {
  /** The tag of a scope's frames; `undefined` in lock flows. */
  readonly tag: number | undefined;
  readonly #name: string | undefined;
  #stand: Stand | undefined;
  #parent: Flow | undefined;
  #isOver = false;
  readonly #holdings = new Set<Holding>();
  readonly #waits = new Set<OpenWait>();

  /** A scope flow with a name, to be run by `runInFlow`; or the lock flow of a stand. */
  constructor(who: string | Stand) {
    const isScope = typeof who === "string";
    this.#name = isScope ? who : undefined;
    this.#stand = isScope ? undefined : who;
    this.tag = isScope ? takeTag() : undefined;
    this.#parent = currentFlow();
  }

  get name(): string {
    if (this.#name !== undefined) return this.#name;
    invariant(this.#stand !== undefined, "who has let go of a lock is not named");
    return this.#stand.who;
  }

  /** How to know the function of a lock flow again; `undefined` in scopes, and when it is over. */
  get stand(): Stand | undefined {
    return this.#stand;
  }

  /** Whether nobody but itself lets go of what it holds. */
  get isSure(): boolean {
    return this.#stand === undefined || this.#stand.isSure;
  }

  /** The nearest flow around it that still matters. */
  get parent(): Flow | undefined {
    // No recursion: locks that were let go last first leave a long chain.
    let nearest = this.#parent;
    while (nearest?.isOver === true) nearest = nearest.#parent;
    // Shortened on the way: a loop that locks, hand over hand, must not grow a chain of the past.
    this.#parent = nearest;
    return nearest;
  }

  /** Whether it has ended: a scope when its function has, a lock flow when it was let go. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What it holds, oldest first. */
  get holdings(): Iterable<Holding> {
    return this.#holdings;
  }

  /** What it waits for now, in words, for reports; `undefined` when nothing is open. */
  get waitsFor(): string | undefined {
    const [wait] = this.#waits;
    return wait?.what;
  }

  hold(holding: Holding): void {
    this.#holdings.add(holding);
  }

  /** Notes an open wait, until the answer is called. */
  beginWait(wait: OpenWait): () => void {
    this.#waits.add(wait);
    return () => void this.#waits.delete(wait);
  }

  /** It holds nothing more and starts nothing more; later children belong to its parent. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // The store of a function that goes on for long keeps this flow, but nothing else.
    this.#stand = undefined;
    this.#holdings.clear();
    this.#parent = live(this.#parent);
    if (this.tag !== undefined) freeTag(this.tag);
  }
}

function live(flow: Flow | undefined): Flow | undefined {
  return flow?.isOver === true ? flow.parent : flow;
}

/** What this folder needs of `AsyncLocalStorage`. */
interface FlowStore {
  getStore(): Flow | undefined;
  enterWith(flow: Flow): void;
  run<T>(flow: Flow, body: () => T): T;
}

/** Absent in runtimes that cannot follow a flow; then nothing is found and everything else holds. */
const store: FlowStore | undefined = makeStore();

/** Whether this runtime can follow a flow through its awaits. */
export const canFollowFlows: boolean = store !== undefined;

function makeStore(): FlowStore | undefined {
  const hooks = globalThis.process?.getBuiltinModule?.("node:async_hooks");
  return hooks === undefined ? undefined : new hooks.AsyncLocalStorage<Flow>();
}

/** The turn of a caller that has just got what it waited for. */
interface Turn {
  readonly flow: Flow;
  /** Called once, in that turn, if anything asks for the current flow there. */
  readonly claim: () => void;
}

let turn: Turn | undefined;
const NOW = Promise.resolve();

/**
 * Resolves the promise of a caller that awaits it, and knows the turn in which that caller goes on:
 * the three callbacks run one right after the other, with nothing between them.
 */
export function handOver<T>(value: T, resolve: (value: T) => void, next: Turn): void {
  void NOW.then(() => {
    turn = next;
  });
  resolve(value);
  void NOW.then(() => {
    turn = undefined;
  });
}

/** The flow in which this code may run: a proposal, see {@link Flow}. */
export function currentFlow(): Flow | undefined {
  const flow = live(store?.getStore());
  if (flow === undefined || turn?.flow !== flow) return flow;
  const { claim } = turn;
  turn = undefined;
  claim();
  return live(store?.getStore());
}

/** Makes `flow` the current one for what follows in the calling function, and what leaks from it. */
export function enterFlow(flow: Flow): void {
  store?.enterWith(flow);
}

/**
 * Runs `scope` in `flow`, which ends with it. Whatever `scope` awaits, the flow is proved to wait
 * for: frames that stand for this flow alone await `scope`.
 */
export async function runInFlow<T>(flow: Flow, scope: () => Promise<T>): Promise<T> {
  try {
    if (store === undefined || flow.tag === undefined) return await scope();
    const { tag } = flow;
    return await store.run(flow, () => runTagged(tag, scope));
  } finally {
    flow.end();
  }
}
