/** Main's side of one thread: what it was given and has not answered. */
import type { MessagePort } from "node:worker_threads";
import type { MonotonicMs } from "../../core/clock.ts";
import {
  POOL_RUN_AHEAD_CALLS_MAX,
  POOL_RUN_AHEAD_MS,
  POOL_RUN_AHEAD_ONE_MS,
  POOL_STALL_MS,
} from "../../core/limits.ts";
import { FIELD } from "./byte-ring.ts";
import type { Call } from "./call.ts";
import { CALL_STATE } from "./call-loop.ts";
import { bodyBytesMax, isSent, post, writeBody } from "./packed.ts";
import { CELL, type ThreadBoard } from "./thread-board.ts";

/** Written records are shown to the thread in groups, so that it can begin while main still writes. */
const PUBLISH_CALLS = 16;

export class Lane {
  readonly number: number;
  readonly board: ThreadBoard;
  readonly port: MessagePort;
  /** `due`: to be renewed once another is ready. `closing`: takes no more calls. `gone`: dead. */
  state: "open" | "due" | "closing" | "gone" = "open";
  inFlight = 0;
  /** How long all that it has would take, by what was measured. */
  backlogMs = 0;
  /** Calls that it was given since it started. */
  given = 0;
  /** When it last answered, or began with nothing before. */
  movedAt: MonotonicMs;
  #unpublished = 0;
  #isWakeDue = false;

  constructor(
    options: { readonly number: number; readonly board: ThreadBoard; readonly port: MessagePort },
    now: MonotonicMs,
  ) {
    this.number = options.number;
    this.board = options.board;
    this.port = options.port;
    this.movedAt = now;
  }

  get isUsable(): boolean {
    return this.state === "open" || this.state === "due";
  }

  /** It has answered nothing for longer than thought: a call of its takes longer than others. */
  isStalled(now: MonotonicMs): boolean {
    if (this.inFlight === 0) return false;
    // Twice, because only running is measured, not writing the answer; and what is thought of a call
    // that waits behind another must not hide for long that the other one is stuck.
    const thoughtMs = 2 * Math.min(this.backlogMs, POOL_RUN_AHEAD_ONE_MS);
    return now - this.movedAt > POOL_STALL_MS + thoughtMs;
  }

  /** Whether it may be given a call of this length behind what it has. */
  hasRoomFor(costMs: number | undefined, now: MonotonicMs): boolean {
    if (this.inFlight === 0) return true;
    // How long a call runs that never ran yet, nobody knows.
    if (costMs === undefined || this.inFlight >= POOL_RUN_AHEAD_CALLS_MAX) return false;
    if (this.isStalled(now)) return false;
    if (this.backlogMs + costMs <= POOL_RUN_AHEAD_MS) return true;
    return this.inFlight === 1 && this.backlogMs <= POOL_RUN_AHEAD_ONE_MS;
  }

  /** Gives it a call. False when its ring is full. The thread sees it after `flush`, or sooner. */
  write(call: Call, now: MonotonicMs): boolean {
    const { calls } = this.board;
    const word = calls.begin(bodyBytesMax(call));
    if (word < 0) return false;
    if (isSent(call.format)) post(this.port, call);
    const bodyBytes = writeBody(calls, word, call);
    const { words } = calls;
    words[word + FIELD.id] = call.id;
    words[word + FIELD.name] = call.target.index;
    words[word + FIELD.state] = CALL_STATE.waiting;
    calls.setCell(word, 0, call.deadlineAt);
    calls.setCell(word, 1, call.calledAt);
    call.word = word;
    call.position = calls.end(bodyBytes);
    call.lane = this;
    call.costMs = call.target.estimateMs ?? POOL_RUN_AHEAD_MS;
    if (this.inFlight++ === 0) this.movedAt = now;
    this.backlogMs += call.costMs;
    this.given++;
    this.#isWakeDue = true;
    if (++this.#unpublished >= PUBLISH_CALLS) this.#publish();
    return true;
  }

  #publish(): void {
    this.#unpublished = 0;
    this.board.calls.publish();
  }

  /** Shows the thread all that was written and wakes it when it sleeps. */
  flush(): void {
    if (!this.#isWakeDue) return;
    this.#isWakeDue = false;
    if (this.#unpublished > 0) this.#publish();
    this.board.wake();
  }

  /**
   * Takes a call back that the thread has not begun. False when it has. What was transferred is lost
   * with it, so that such a call can be ended but not given to another thread.
   */
  withdraw(call: Call): boolean {
    const { calls } = this.board;
    if (!calls.isUnreleased(call.position)) return false;
    const { waiting, withdrawn } = CALL_STATE;
    const stateWord = call.word + FIELD.state;
    if (Atomics.compareExchange(calls.words, stateWord, waiting, withdrawn) !== waiting) {
      return false;
    }
    this.leave(call);
    return true;
  }

  /** How long its running call runs. */
  ranMs(now: MonotonicMs): number {
    return Math.max(0, now - (this.board.cells[CELL.startedAt] ?? now));
  }

  /** The call is not here any more. */
  leave(call: Call): void {
    this.inFlight--;
    this.backlogMs = this.inFlight === 0 ? 0 : this.backlogMs - call.costMs;
    call.lane = undefined;
  }
}
