/**
 * Which lock is taken while another is held. Two flows that take two locks in opposite orders
 * deadlock one day, when they meet in between; the orders tell before that.
 */
import { LOCK_ORDER_TRIES_MAX } from "../core/limits.ts";
import type { SiteKind } from "../core/site-words.ts";
import { type CallSite, placeOf } from "./call-site.ts";
import type { Flow, Holding } from "./flow.ts";
import { readTags } from "./scope-tags.ts";

/** One of two locks that were taken together: `mutex "orders"`, at `orders.ts:31 in bookOrder`. */
export interface OrderedTaking {
  readonly what: string;
  readonly site: string;
  /** What that place is: see {@link SiteKind}; `null` where it was not noted. */
  readonly siteKind: SiteKind | null;
}

/** A lock was taken while another was held. */
export interface LockOrder {
  /** The lock that was held, and where it had been taken. */
  readonly held: OrderedTaking;
  /** The lock that was taken then, and where. */
  readonly taken: OrderedTaking;
}

/** The same two locks, in both orders. */
export interface LockOrderReport {
  /** The order that was seen first. */
  readonly first: LockOrder;
  /** The order that was seen now, of which this tells. */
  readonly opposite: LockOrder;
}

/** A lock as the orders know it. */
export interface OrderedLock {
  readonly what: string;
  /** Tells those who listen. */
  report(report: LockOrderReport): void;
  /** Tells the log. */
  warn(report: LockOrderReport): void;
}

type Known = { readonly order: LockOrder } | { triesCount: number };

/** What was taken while the key was held. Weak on both sides: it must not keep a lock alive. */
const takenWhile = new WeakMap<object, WeakMap<object, Known>>();

/** Notes that `flow` takes `lock` at `site`, on top of what it holds; answers with what to report. */
export function noteOrder(
  lock: OrderedLock,
  flow: Flow | undefined,
  site: CallSite,
): readonly (() => void)[] {
  const reports: (() => void)[] = [];
  for (let f = flow; f !== undefined; f = f.parent) {
    for (const holding of f.holdings) {
      const held = holding.ordered;
      if (held === undefined || held === lock) continue;
      const report = notePair({ held, holding, flow: f }, lock, site);
      if (report === undefined) continue;
      reports.push(
        () => lock.warn(report),
        () => held.report(report),
        () => lock.report(report),
      );
    }
  }
  return reports;
}

function notePair(
  { held, holding, flow }: { held: OrderedLock; holding: Holding; flow: Flow },
  taken: OrderedLock,
  site: CallSite,
): LockOrderReport | undefined {
  const after = takenWhile.get(held) ?? new WeakMap<object, Known>();
  takenWhile.set(held, after);
  const known = after.get(taken) ?? { triesCount: 0 };
  after.set(taken, known);
  if ("order" in known || known.triesCount >= LOCK_ORDER_TRIES_MAX) return undefined;
  known.triesCount++;
  // The store leaks to those who called the holder's callers; its stack does not.
  if (!isRunningIn(flow, site)) return undefined;
  const order: LockOrder = {
    held: { what: held.what, ...placeOf(holding.site) },
    taken: { what: taken.what, ...placeOf(site) },
  };
  after.set(taken, { order });
  const opposite = takenWhile.get(taken)?.get(held);
  if (opposite === undefined || !("order" in opposite)) return undefined;
  return { first: opposite.order, opposite: order };
}

function isRunningIn({ stand, tag }: Flow, site: CallSite): boolean {
  if (stand !== undefined) return stand.isRunning(site);
  return tag !== undefined && readTags(site.frames).includes(tag);
}
