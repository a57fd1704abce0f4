import type { Clock } from "../core/clock.ts";
import type { ErrorDetails } from "../core/errors.ts";
import { UNFINISHED_NAMED_MAX } from "../core/limits.ts";
import type { SiteKind } from "../core/site-words.ts";
import type { CallSite, SiteSampler } from "./call-site.ts";
import type { ConsumerLoop } from "./consumer.ts";
import type { Item } from "./item.ts";
import type { Holding } from "./lease.ts";
import { Roster } from "./roster.ts";
import { thrownText } from "./thrown-text.ts";

/** Somebody who holds an item of a queue. */
export interface Holder {
  /** The value in a few words. */
  readonly value: string;
  /** A consumer's slot by its name, or `a lease of loadBatch()`, the function that called `get`. */
  readonly holder: string;
  /**
   * Where the lease was taken, or where the consumer was started; `null` when it was not noted:
   * only some calls of `get` are, unless `diagnostics` is "full".
   */
  readonly site: string | null;
  /** What that place is: see {@link SiteKind}. */
  readonly siteKind: SiteKind;
  /** How long, in whole milliseconds; of consumers to within 10 ms. */
  readonly sinceMs: number;
  /** What the holder waits for now, as far as that goes through this package; else `null`. */
  readonly waitsFor: string | null;
}

/** Who holds what: leases, and what consumers work on. */
export class Holders<T> {
  readonly #clock: Clock;
  readonly #describe: ((value: T) => string) | undefined;
  readonly #sites: SiteSampler;
  readonly #leases = new Roster<Holding<T>>();
  #hasGetters = false;

  constructor(
    clock: Clock,
    about: {
      readonly describe: ((value: T) => string) | undefined;
      readonly sites: SiteSampler;
    },
  ) {
    this.#clock = clock;
    this.#describe = about.describe;
    this.#sites = about.sites;
  }

  /** Whether somebody ever asked for an item himself: then nobody knows who may take the next. */
  get hasGetters(): boolean {
    return this.#hasGetters;
  }

  /** Somebody asks for an item, not a consumer and not a loop. */
  getterCame(): void {
    this.#hasGetters = true;
  }

  add(holding: Holding<T>): void {
    this.#leases.add(holding);
  }

  delete(holding: Holding<T>): void {
    this.#leases.delete(holding);
  }

  /** Who holds an item that no consumer has, in words. */
  lenderOf(item: Item<T>): string {
    return leaseOf([...this.#leases].find((holding) => holding.item === item)?.site);
  }

  /** All items that somebody holds. */
  items(consumers: readonly ConsumerLoop<T>[]): Item<T>[] {
    const byLease = [...this.#leases].map(({ item }) => item);
    const bySlot = consumers.flatMap(({ slots }) => slots.flatMap(({ item }) => item ?? []));
    return [...byLease, ...bySlot];
  }

  all(consumers: readonly ConsumerLoop<T>[]): Holder[] {
    const now = this.#clock.now();
    const byLease = [...this.#leases].map(({ item, site, takenAt, flow }) => ({
      value: this.describe(item.value),
      holder: leaseOf(site),
      ...this.#sites.told(site),
      sinceMs: Math.round(now - takenAt),
      waitsFor: flow?.waitsFor ?? null,
    }));
    const bySlot = consumers.flatMap((consumer) =>
      consumer.slots.flatMap(({ item, flow, heldSince }) =>
        item === undefined
          ? []
          : [
              {
                value: this.describe(item.value),
                holder: flow.name,
                ...this.#sites.told(consumer.site),
                sinceMs: Math.round(now - (heldSince?.beganAt ?? now)),
                waitsFor: flow.waitsFor ?? null,
              },
            ],
      ),
    );
    return [...byLease, ...bySlot];
  }

  /** A value in a few words. Objects only by their type: looking into one may run the user's code. */
  describe(value: T): string {
    if (this.#describe === undefined) return inWords(value);
    try {
      return cut(String(this.#describe(value)));
    } catch (error) {
      return `${inWords(value)} (describe() threw: ${cut(thrownText(error))})`;
    }
  }
}

function leaseOf(site: CallSite | undefined): string {
  const who = site?.who;
  return who === undefined ? "a lease" : `a lease of ${who}`;
}

const VALUE_CHARS_MAX = 80;

function cut(text: string): string {
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text;
}

function inWords(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(cut(value));
    case "object":
      return value === null ? "null" : Array.isArray(value) ? "an array" : "an object";
    case "function":
      return "a function";
    default:
      return cut(String(value));
  }
}

type Unfinished = ErrorDetails<"UNJAM_JOIN_TIMEOUT">["unfinished"];

/** What a join names at its deadline: first who holds something, longest first, then what waits. */
export function unfinished(
  queue: string,
  holders: readonly Holder[],
  waiting: readonly string[],
): Unfinished {
  const held = holders
    .toSorted((a, b) => b.sinceMs - a.sinceMs)
    .map(({ value, holder, site, siteKind, sinceMs, waitsFor }, index) => ({
      ...{ id: String(index + 1), task: value, queue, state: "held" },
      ...{ holder, sinceMs, site, siteKind, waitsFor },
    }));
  const queued = waiting.map((value, index) => ({
    ...{ id: String(held.length + index + 1), task: value, queue, state: "queued" },
    ...{ holder: null, sinceMs: null },
  }));
  return [...held, ...queued].slice(0, UNFINISHED_NAMED_MAX);
}
