import { ThreadPool } from "unjam/threads";
import type { Contender } from "./contender.ts";
import type * as work from "./work.ts";

/** Default options: deadlines, the supervisor's watch, statistics. */
export async function unjamPool(threads: number): Promise<Contender> {
  const module = new URL("./work.ts", import.meta.url);
  const pool = new ThreadPool<typeof work>({ module, threads });
  await pool.warmUp();
  return {
    increment: (input) => pool.call.increment(input),
    echo: (value) => pool.call.echo(value),
  };
}
