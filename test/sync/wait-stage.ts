import { CallSite } from "../../src/sync/call-site.ts";
import { isUnjamError } from "../../src/core/errors.ts";
import { type Flow, runInFlow } from "../../src/sync/flow.ts";
import { type Movers, waitInFlow } from "../../src/sync/wait-graph.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";

export interface OpenWait {
  readonly done: Promise<string>;
  readonly end: () => void;
}

/** Waits of flows, ended by the test, by time that it moves, or by the graph. */
export class WaitStage {
  readonly clock: ManualClock = new ManualClock();

  /** A wait of the flow that calls it. With `refuses` false it stays open when the graph refuses it. */
  aWait(
    flow: Flow,
    movers: () => Movers,
    { what = "something", refuses = true }: { what?: string; refuses?: boolean } = {},
  ): OpenWait {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const site = CallSite.capture();
    const refuse = refuses ? reject : (): void => undefined;
    const plain = { flow, what, movers, site, settled: promise, refuse };
    return { done: waitInFlow({ ...plain, timers: this.clock }), end: () => resolve("done") };
  }

  /** Still open after every look. */
  async isOpen(promise: Promise<unknown>): Promise<boolean> {
    let isSettled = false;
    void promise.then(() => {
      isSettled = true;
    });
    await this.clock.advance(25_000);
    return !isSettled;
  }
}

/** Runs a scope that awaits what `begin` gives; resolves with its value, or with its error's code. */
export function scope(flow: Flow, begin: () => Promise<unknown>): Promise<unknown> {
  return runInFlow(flow, async () => {
    try {
      return await begin();
    } catch (error) {
      return isUnjamError(error) ? error.code : error;
    }
  });
}

export function anyOf(...flows: readonly Flow[]): () => Movers {
  return () => ({ need: "any", flows, isSure: true });
}

export function allOf(...flows: readonly Flow[]): () => Movers {
  return () => ({ need: "all", flows, isSure: true });
}
