import { fileURLToPath } from "node:url";
import { pool as newPool } from "workerpool";
import type { Contender } from "./contender.ts";

export function workerPool(threads: number): Contender {
  const script = fileURLToPath(new URL("./workerpool-worker.ts", import.meta.url));
  const pool = newPool(script, {
    minWorkers: threads,
    maxWorkers: threads,
    workerType: "thread",
  });
  return {
    increment: async (input) => pool.exec("increment", [input]),
    echo: async (value) => pool.exec("echo", [value]),
  };
}
