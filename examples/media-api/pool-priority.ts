import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";

/** As far as unjam puts its job threads behind the main loop. */
const POOL_NICE = 10;

/**
 * Puts the threads of libuv's pool behind the main loop. sharp works there, not on the job thread that
 * asks: at equal priority, each health check would wait for its turn between two compressions.
 * Call it once the pool has started; it starts all its threads at the first use of a file. Only Linux
 * has a priority for each thread.
 */
export function lowerPoolPriority(): void {
  if (process.platform !== "linux") return;
  try {
    const tasks = "/proc/self/task";
    for (const thread of readdirSync(tasks)) {
      const name = readFileSync(`${tasks}/${thread}/comm`, "utf8");
      if (name === "libuv-worker\n") setPriority(Number(thread), POOL_NICE);
    }
  } catch {
    // A container may forbid it; all threads then compete as equals.
  }
}
