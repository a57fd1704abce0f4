/** What an interleaving is made of. */
import type { ModelOrder } from "./queue-model.ts";

export type Policy = "wait" | "reject" | "drop-newest" | "drop-oldest" | "retry";

/** What a handler may do while it runs. None of it waits, so that it cannot wait for itself. */
export type NestedCommand =
  | { readonly do: "put"; readonly whenFull: Policy; readonly timed: boolean }
  | { readonly do: "ask"; readonly whenFull: Policy; readonly timed: boolean }
  | { readonly do: "tryPut" | "tryGet" | "pause" | "resume" }
  | { readonly do: "get" | "join"; readonly timed: boolean }
  | { readonly do: "done" | "fail" | "putBack" | "abort" | "stop"; readonly which: number }
  | { readonly do: "close"; readonly drop: boolean };

export type Command =
  | NestedCommand
  | {
      readonly do: "consume";
      readonly concurrency: number;
      /** Throws that it survives; `null`: any number. */
      readonly restartsMax: number | null;
      readonly nested: readonly NestedCommand[];
    }
  /** A `for await` over so many items. */
  | { readonly do: "loop"; readonly count: number; readonly timed: boolean }
  | { readonly do: "advance"; readonly ms: number };

export interface Shape {
  readonly capacity: number;
  readonly order: ModelOrder;
  /** One length for all deadlines: of two lengths that end in one turn either may be first. */
  readonly waitMs: number;
}

/** Of a length that nothing else has, by which its timer is known. */
export const RETRY_MS = 7;

export function expectThat(condition: boolean, fact: string): void {
  if (!condition) throw new Error(fact);
}
