import { setImmediate as turn } from "node:timers";

/** Turns of the loop until it is true: the test's time-out is the only limit. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    await new Promise<void>((resolve) => {
      turn(resolve);
    });
  }
}
