import type { Timers } from "../../src/core/clock.ts";
import { machineTimers } from "../../src/threads/machine-clock.ts";

/** Node's timers, counted while they are pending. */
export class CountedTimers implements Timers {
  pendingCount: number = 0;

  after(
    delayMs: number,
    run: () => void,
    options?: { readonly keepsAlive?: boolean },
  ): { cancel(): void } {
    this.pendingCount++;
    let isPending = true;
    const over = (): void => {
      if (isPending) this.pendingCount--;
      isPending = false;
    };
    const timer = machineTimers.after(
      delayMs,
      () => {
        over();
        run();
      },
      options,
    );
    return {
      cancel: () => {
        over();
        timer.cancel();
      },
    };
  }

  soon(run: () => void): void {
    machineTimers.soon(run);
  }
}
