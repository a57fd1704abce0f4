import { fileURLToPath } from "node:url";
import { FixedThreadPool } from "poolifier";
import type { Contender } from "./contender.ts";

export function poolifierPool(threads: number): Contender {
  const script = fileURLToPath(new URL("./poolifier-worker.ts", import.meta.url));
  const pool = new FixedThreadPool(threads, script);
  return {
    increment: (input) => pool.execute(input, "increment"),
    echo: (value) => pool.execute(value, "echo"),
  };
}
