import type { MonotonicMs } from "../../core/clock.ts";
import type { PoolPorts } from "./pool-options.ts";

/** How long to wait for a change. */
export interface ChangeWait {
  readonly until: MonotonicMs;
  readonly signal?: AbortSignal | undefined;
}

/** Those who wait until something of a pool has changed, and then look for themselves. */
export class Changes {
  readonly #ports: PoolPorts;
  #waiting: ((problem: Error | undefined) => void)[] = [];

  constructor(ports: PoolPorts) {
    this.#ports = ports;
  }

  /** @param problem rejects the waits. */
  tell(problem?: Error): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const tell of waiting) tell(problem);
  }

  /** Resolves with the next change, or when its time is over. Rejects with a problem, or the signal's reason. */
  next({ until, signal }: ChangeWait): Promise<void> {
    const { clock, timers } = this.#ports;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const end = (): void => {
        timer.cancel();
        signal?.removeEventListener("abort", abort);
      };
      const abort = (): void => {
        end();
        reject(signal?.reason);
      };
      const timer = timers.after(until - clock.now(), () => tell(undefined), { keepsAlive: true });
      const tell = (problem: Error | undefined): void => {
        end();
        if (problem === undefined) resolve();
        else reject(problem);
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.push(tell);
    });
  }
}
