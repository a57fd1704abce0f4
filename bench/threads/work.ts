/** What the pools under test run. */
import { execSync } from "node:child_process";

export function increment({ a }: { readonly a: number }): { b: number } {
  return { b: a + 1 };
}

export function echo<T>(value: T): T {
  return value;
}

/** Ways never to come back, or not for a minute. */
export type Trap = "loop" | "regexp" | "wait" | "child";

export function hang(trap: Trap): void {
  switch (trap) {
    case "loop":
      for (;;);
    case "regexp":
      /^(a+)+$/.test(`${"a".repeat(40)}b`);
      return;
    case "wait":
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      return;
    case "child":
      execSync("sleep 60");
  }
}

/** When it was called: the clock that all threads share. */
export function instant(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
