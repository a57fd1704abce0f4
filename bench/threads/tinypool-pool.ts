import { Tinypool } from "tinypool";
import type { Contender } from "./contender.ts";

export function tinyPool(threads: number): Contender {
  const { href: filename } = new URL("./work.ts", import.meta.url);
  const pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads });
  return {
    increment: (input) => pool.run(input, { name: "increment" }),
    echo: (value) => pool.run(value, { name: "echo" }),
  };
}
