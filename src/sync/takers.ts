/** Those who take items themselves: by `get`, by `tryGet`, and in `for await` loops. */
import { UnjamError } from "../core/errors.ts";
import type { CallSite, SiteSampler } from "./call-site.ts";
import { currentFlow } from "./flow.ts";
import type { Item } from "./item.ts";
import { Iteration } from "./iteration.ts";
import { type Holding, Lease, type LeaseEnd } from "./lease.ts";
import type { QueueParts } from "./putters.ts";
import {
  type ItemsOptions,
  readItemsOptions,
  readWaitOptions,
  type WaitOptions,
} from "./queue-options.ts";
import type { QueueReport } from "./queue-report.ts";
import type { SlowWait } from "./slow-wait.ts";
import { roomOnStack } from "./stack-room.ts";
import type { WaitTerms } from "./waits.ts";

/** Who takes an item, and where. */
type Taking = Pick<Holding<never>, "site" | "flow">;

/** A `for await` loop. Its place is noted once, as that of a consumer is. */
interface Loop {
  readonly name: string;
  readonly site: CallSite | undefined;
}

/** What one who waits for an item is told. */
interface TakerNews<T, A> {
  /** There will be none any more. */
  readonly onNone: (wait: SlowWait<A>) => void;
  /** The answer when there is one. */
  readonly give: (holding: Holding<T>) => A;
  readonly loop?: Loop;
}

export class Takers<T> {
  readonly #parts: QueueParts<T>;
  readonly #sites: SiteSampler;
  readonly #report: QueueReport;
  #waitingCount = 0;
  #loopCount = 0;

  constructor(
    parts: QueueParts<T>,
    tools: { readonly sites: SiteSampler; readonly report: QueueReport },
  ) {
    this.#parts = parts;
    this.#sites = tools.sites;
    this.#report = tools.report;
  }

  get(options: WaitOptions | undefined): Promise<Lease<T>> {
    try {
      const terms = readWaitOptions(options, "queue.get()");
      this.#parts.holders.getterCame();
      const holding = this.#takeNow();
      if (holding !== undefined) return Promise.resolve(new Lease(holding));
      const { name: queue, waitersMax } = this.#parts.settings;
      if (this.#parts.core.isOver) throw new UnjamError("UNJAM_QUEUE_CLOSED", { queue });
      if (this.#waitingCount >= waitersMax) {
        const what = `an item of queue "${queue}"`;
        throw new UnjamError("UNJAM_TOO_MANY_WAITERS", { what, queue, waitersMax });
      }
      return this.#takeLater<Lease<T>>(terms, {
        onNone: (wait) => wait.refuse(new UnjamError("UNJAM_QUEUE_CLOSED", { queue })),
        give: (given) => new Lease(given),
      }).promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  tryGet(): Lease<T> | undefined {
    this.#parts.holders.getterCame();
    const holding = this.#takeNow();
    return holding === undefined ? undefined : new Lease(holding);
  }

  loop(options: ItemsOptions | undefined): AsyncIterableIterator<T> {
    const terms = readItemsOptions(options);
    const { consumers, core } = this.#parts;
    const name = terms.name ?? `loop-${++this.#loopCount}`;
    const loop: Loop = { name, site: this.#sites.captureLoop() };
    const open = new Set<SlowWait<Holding<T> | undefined>>();
    consumers.loopStarted();
    return new Iteration<T>({
      next: async () => {
        terms.signal?.throwIfAborted();
        const holding = this.#takeNow(loop);
        if (holding !== undefined) {
          const breath = consumers.breather.next();
          if (breath !== undefined) await breath;
          return holding;
        }
        if (core.isOver) return undefined;
        const wait = this.#takeLater<Holding<T> | undefined>(terms, {
          onNone: (none) => none.answer(undefined),
          give: (given) => given,
          loop,
        });
        open.add(wait);
        try {
          return await wait.promise;
        } finally {
          open.delete(wait);
        }
      },
      left: () => {
        for (const wait of open) wait.answer(undefined);
        consumers.loopLeft();
      },
    });
  }

  #takeNow(loop?: Loop): Holding<T> | undefined {
    roomOnStack();
    const item = this.#parts.core.take();
    if (item === undefined) return undefined;
    const site = loop === undefined ? this.#sites.sample() : loop.site;
    return this.#hold(item, { site, flow: currentFlow() });
  }

  #takeLater<A>(terms: WaitTerms, { onNone, give, ...start }: TakerNews<T, A>): SlowWait<A> {
    const { core, waits, settings } = this.#parts;
    let isInLine = true;
    const who = start.loop === undefined ? "get" : `loop "${start.loop.name}"`;
    const wait: SlowWait<A> = waits.begin(terms, {
      ...start,
      what: `an item of queue "${settings.name}"`,
      end: () => {
        this.#waitingCount--;
        if (isInLine) core.leftTakers();
      },
      late: (waitedMs) =>
        new UnjamError("UNJAM_WAIT_TIMEOUT", {
          what: `${who} from queue "${settings.name}"`,
          waitedMs,
          state: core.isPaused ? "paused" : "empty",
        }),
    });
    this.#waitingCount++;
    core.waitForItem({
      get isWaiting() {
        return wait.isWaiting;
      },
      take: (item) => {
        isInLine = false;
        if (item === undefined) onNone(wait);
        // Of the one who waits: when his item comes, the code that brings it is what runs.
        else wait.answer(give(this.#hold(item, wait.about)));
      },
    });
    wait.listenTo(terms.signal);
    return wait;
  }

  #hold(item: Item<T>, { site, flow }: Taking): Holding<T> {
    const { holders, settings } = this.#parts;
    const holding: Holding<T> = {
      ...{ item, site, flow, phase: "held", before: undefined, after: undefined },
      takenAt: settings.ports.clock.now(),
      settle: (end) => this.#settle(holding, end),
    };
    holders.add(holding);
    return holding;
  }

  #settle(holding: Holding<T>, end: LeaseEnd): void {
    const { answers, core, holders } = this.#parts;
    const { item } = holding;
    holders.delete(holding);
    switch (end.kind) {
      case "done":
        answers.done(item, undefined);
        return;
      case "failed":
        answers.failed(item, end.error);
        return;
      case "back":
        core.putBack(item);
        return;
      case "forgotten": {
        answers.failed(item, end.error);
        const value = holders.describe(item.value);
        const data = { queue: core.name, value, error: end.error };
        this.#report.emit("forgotten", data, "a lease was forgotten");
      }
    }
  }
}
