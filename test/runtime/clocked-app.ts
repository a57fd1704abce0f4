import type { App } from "../../src/client/app.ts";
import { openWith } from "../../src/client/open-app.ts";
import type { OpenOptions } from "../../src/client/open-options.ts";
import type { Logger } from "../../src/core/job-context.ts";
import { SteppedClock } from "./stepped-clock.ts";
import { StoreGate } from "./store-gate.ts";

const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A whole app, engine and client, in this thread, on stepped time and a store behind a gate. */
export class ClockedApp implements AsyncDisposable {
  readonly clock: SteppedClock;
  readonly app: App;
  readonly #gate: StoreGate;

  private constructor(clock: SteppedClock, app: App, gate: StoreGate) {
    this.clock = clock;
    this.app = app;
    this.#gate = gate;
  }

  static async open(options: OpenOptions): Promise<ClockedApp> {
    const clock = new SteppedClock();
    let gate: StoreGate | undefined;
    const ports = {
      ...{ clock, timers: clock },
      random: () => 0.5,
      decorate: (store: ConstructorParameters<typeof StoreGate>[0]) => {
        gate = new StoreGate(store);
        return gate.store;
      },
    };
    const given = { store: "memory:", runtime: "inline", logger: SILENT, ...options } as const;
    const app = await clock.until(openWith(ports, given));
    if (gate === undefined) throw new Error("opening an app opens its store");
    return new ClockedApp(clock, app, gate);
  }

  get gate(): StoreGate {
    return this.#gate;
  }

  /** What a call comes to without any time passing. */
  now<T>(call: Promise<T>): Promise<T> {
    return this.clock.until(call);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.app.close({ graceMs: 0 });
    await this.clock.advance(1_000);
    await closed;
  }
}
