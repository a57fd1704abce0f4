import type { SiteSampler } from "./call-site.ts";
import { Deadlines } from "./deadlines.ts";
import { currentFlow } from "./flow.ts";
import { SlowWait, type WaitEnds } from "./slow-wait.ts";
import type { SyncPorts } from "./sync-ports.ts";
import { type Movers, waitInFlow } from "./wait-graph.ts";

/** How long a wait may take, and what ends it early. */
export interface WaitTerms {
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

/** The deadlines do not care what a wait is for. */
type AnyWait = Pick<SlowWait<never>, "since" | "isWaiting" | "late">;

/** The waits of one queue for room, for items and for joins: each has a deadline and a name. */
export class Waits {
  readonly #ports: SyncPorts;
  readonly #sites: SiteSampler;
  readonly #deadlines: Deadlines<AnyWait>;

  constructor(ports: SyncPorts, sites: SiteSampler) {
    this.#ports = ports;
    this.#sites = sites;
    this.#deadlines = new Deadlines(ports, (wait, waitMs) => wait.late(waitMs));
  }

  /** Begins a wait that has a deadline; its owner makes it listen to its signal when all is ready. */
  begin<A>({ waitMs }: WaitTerms, on: WaitEnds): SlowWait<A> {
    const end = (): void => {
      this.#deadlines.end(waitMs);
      on.end();
    };
    const wait = new SlowWait<A>(this.#ports.clock.now(), { end, late: on.late });
    this.#deadlines.begin(wait, waitMs);
    return wait;
  }

  /**
   * The promise for the caller. Where a flow waits, which may itself hold what it waits for, the
   * wait is an edge of the process's wait-for graph: UNJAM_DEADLOCK when it closes a cycle.
   */
  promise<A>(wait: SlowWait<A>, what: string, movers: () => Movers): Promise<A> {
    const flow = wait.isWaiting ? currentFlow() : undefined;
    if (flow === undefined) return wait.promise;
    return waitInFlow({
      ...{ flow, what, movers },
      settled: wait.promise,
      refuse: (error) => wait.refuse(error),
      timers: this.#ports.timers,
      site: this.#sites.capture(),
    });
  }
}
