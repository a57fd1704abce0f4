import { Deadlines } from "./deadlines.ts";
import type { SiteKind } from "../core/site-words.ts";
import type { CallSite, SiteSampler } from "./call-site.ts";
import { currentFlow } from "./flow.ts";
import { Roster } from "./roster.ts";
import { SlowWait, type WaitAbout, type WaitEnds } from "./slow-wait.ts";
import type { SyncPorts } from "./sync-ports.ts";
import { type Movers, waitInFlow } from "./wait-graph.ts";

/** How long a wait may take, and what ends it early. */
export interface WaitTerms {
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Somebody who waits at a queue: in a call, or in a loop over it. */
export interface QueueWait {
  /** A loop by its name, a handler by its consumer's; "a call" where that is not known. */
  readonly who: string;
  /** In words: `room in queue "lines"`. */
  readonly what: string;
  /** Where; `null` when it was not noted. */
  readonly site: string | null;
  /** What that place is: see {@link SiteKind}. */
  readonly siteKind: SiteKind;
  /** How long it has waited, in whole milliseconds. */
  readonly sinceMs: number;
  /** Whole milliseconds until its deadline, below 0 when that is past; `null` when it has none. */
  readonly leftMs: number | null;
}

/** What begins a wait, beside its terms. */
export interface WaitStart extends WaitEnds {
  readonly what: string;
  /** A loop, which waits again and again in one place. */
  readonly loop?: { readonly name: string; readonly site: CallSite | undefined };
}

/** The deadlines do not care what a wait is for. */
type AnyWait = Pick<SlowWait<never>, "since" | "isWaiting" | "late">;

/** The waits of one queue: each has a name, and a deadline unless it is for the user's own code. */
export class Waits {
  readonly #ports: SyncPorts;
  readonly #sites: SiteSampler;
  readonly #deadlines: Deadlines<AnyWait>;
  readonly #open = new Roster<WaitAbout>();

  constructor(ports: SyncPorts, sites: SiteSampler) {
    this.#ports = ports;
    this.#sites = sites;
    this.#deadlines = new Deadlines(ports, (wait, waitMs) => wait.late(waitMs));
  }

  /** Those that are open now, the longest first. */
  open(): QueueWait[] {
    const now = this.#ports.clock.now();
    return Array.from(this.#open, (about) => ({
      ...inWords(about, now),
      ...this.#sites.told(about.site),
    }));
  }

  /** Names a wait for the user's own code, on which no deadline can be put. */
  async during<A>(
    about: Pick<WaitAbout, "who" | "what" | "site">,
    promise: PromiseLike<A>,
  ): Promise<A> {
    const since = this.#ports.clock.now();
    const open: WaitAbout = {
      ...{ ...about, since, waitMs: Number.POSITIVE_INFINITY, flow: undefined },
      ...{ before: undefined, after: undefined },
    };
    this.#open.add(open);
    try {
      return await promise;
    } finally {
      this.#open.delete(open);
    }
  }

  /** Begins a wait that has a deadline; its owner makes it listen to its signal when all is ready. */
  begin<A>({ waitMs }: WaitTerms, { what, loop, ...on }: WaitStart): SlowWait<A> {
    const about: WaitAbout = {
      ...{ what, waitMs, who: loop?.name, flow: currentFlow() },
      site: loop === undefined ? this.#sites.capture() : loop.site,
      since: this.#ports.clock.now(),
      ...{ before: undefined, after: undefined },
    };
    const end = (): void => {
      this.#open.delete(about);
      this.#deadlines.end(waitMs);
      on.end();
    };
    const wait: SlowWait<A> = new SlowWait<A>(about, { end, late: on.late });
    this.#open.add(about);
    this.#deadlines.begin(wait, waitMs);
    return wait;
  }

  /**
   * The promise for the caller. Where a flow waits, which may itself hold what it waits for, the
   * wait is an edge of the process's wait-for graph: UNJAM_DEADLOCK when it closes a cycle.
   */
  promise<A>(wait: SlowWait<A>, movers: () => Movers): Promise<A> {
    const { flow, what, site } = wait.about;
    if (flow === undefined || !wait.isWaiting) return wait.promise;
    return waitInFlow({
      ...{ flow, what, movers, site },
      settled: wait.promise,
      refuse: (error) => wait.refuse(error),
      timers: this.#ports.timers,
    });
  }
}

function inWords(
  { who, flow, ...about }: WaitAbout,
  now: number,
): Omit<QueueWait, "site" | "siteKind"> {
  const { what, since, waitMs } = about;
  return {
    who: who ?? (flow === undefined || flow.isOver ? "a call" : flow.name),
    what,
    sinceMs: Math.round(now - since),
    leftMs: waitMs === Number.POSITIVE_INFINITY ? null : Math.round(since + waitMs - now),
  };
}
