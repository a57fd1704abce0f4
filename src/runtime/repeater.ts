import type { Timer, Timers } from "../core/clock.ts";
import type { Service } from "./service.ts";
import { overOrAborted } from "./stop-signal.ts";

type Phase = "new" | "waiting" | "running" | "stopped";

/**
 * Runs one step again and again, never two at once: the next wait starts when the step is over,
 * and the step says how long it may be. `now()` cuts the wait short. A step that rejects is
 * reported and tried again after `idleMs`, because the services that use this must not end.
 */
export class Repeater implements Service {
  readonly name: string;
  readonly #step: () => Promise<number>;
  readonly #timers: Timers;
  readonly #onError: (name: string, error: unknown) => void;
  readonly #retryMs: number;
  #phase: Phase = "new";
  #timer: Timer | undefined;
  #isHurried = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly name: string;
    /** Does the work once and answers how many ms to wait before the next time. */
    readonly step: () => Promise<number>;
    readonly timers: Timers;
    readonly retryMs: number;
    readonly onError: (name: string, error: unknown) => void;
  }) {
    this.name = options.name;
    this.#step = options.step;
    this.#timers = options.timers;
    this.#retryMs = options.retryMs;
    this.#onError = options.onError;
  }

  start(): void {
    if (this.#phase === "new") this.#run();
  }

  /** Steps as soon as possible: at once, or right after the step that runs. */
  now(): void {
    if (this.#phase === "running") this.#isHurried = true;
    if (this.#phase !== "waiting") return;
    this.#timer?.cancel();
    this.#run();
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#phase = "stopped";
    this.#timer?.cancel();
    await overOrAborted(this.#running, signal);
  }

  #run(): void {
    this.#phase = "running";
    this.#running = this.#once();
  }

  async #once(): Promise<void> {
    let waitMs = this.#retryMs;
    try {
      waitMs = await this.#step();
    } catch (error) {
      this.#onError(this.name, error);
    }
    // stop() may have run during the await.
    if (this.#phase === "stopped") return;
    this.#phase = "waiting";
    const delayMs = this.#isHurried ? 0 : waitMs;
    this.#isHurried = false;
    this.#timer = this.#timers.after(delayMs, () => this.#run(), { repeats: true });
  }
}
