import type { MonotonicMs } from "../../core/clock.ts";
import type { DeadlineList } from "./call-deadlines.ts";
import type { Lane } from "./lane.ts";
import { FORMAT, type Packed, type PackedBody } from "./packed.ts";

/** One export of the pool's module, as it is called. */
export interface Target {
  readonly name: string;
  /** Its number in the threads; -1 until the first thread has said which exports there are. */
  index: number;
  /** How long it runs, as measured lately; `undefined` before its first answer. */
  estimateMs: number | undefined;
}

/** One call, from the caller's promise to its answer. */
export class Call implements Packed {
  readonly target: Target;
  readonly timeoutMs: number;
  readonly calledAt: MonotonicMs;
  format: number = FORMAT.undefined;
  body: PackedBody = undefined;
  resolve: (value: unknown) => void = ignore;
  reject: (reason: unknown) => void = ignore;
  /** Takes the listener off the caller's signal. */
  unlisten: (() => void) | undefined;
  /** Its number while it is on a thread: see CallTable. */
  id = -1;
  /** The thread that it was given to; `undefined` while it waits in line. */
  lane: Lane | undefined;
  /** Where its record lies: the index of its words, and the ring's position. */
  word = 0;
  position = 0;
  /** What it counts for in its lane. */
  costMs = 0;
  /** Its caller has an answer. It may still run. */
  isSettled = false;
  /** Past its deadline while it ran: whoever watches the threads says where it is. */
  isLate = false;
  /** Its place in a list of deadlines. */
  list: DeadlineList | undefined;
  endsAt: MonotonicMs = 0;
  previous: Call | undefined;
  next: Call | undefined;

  constructor(target: Target, timeoutMs: number, calledAt: MonotonicMs) {
    this.target = target;
    this.timeoutMs = timeoutMs;
    this.calledAt = calledAt;
  }

  get deadlineAt(): MonotonicMs {
    return this.calledAt + this.timeoutMs;
  }
}

function ignore(): void {
  // Until its caller has a promise.
}
