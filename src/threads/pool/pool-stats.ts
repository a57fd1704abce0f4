import type { MonotonicMs } from "../../core/clock.ts";
import { type DurationStats, Histogram } from "./histogram.ts";
import type { Lane } from "./lane.ts";
import { CELL } from "./thread-board.ts";

/** What a pool has done, since it was made, and does now. */
export interface PoolStats {
  readonly name: string;
  /** Threads that take calls. */
  readonly threads: number;
  /** Calls that no thread has begun, and those that threads have. */
  readonly waiting: number;
  readonly placed: number;
  /** Calls by how they ended. `failed`: the function threw. `lost`: its thread died. */
  readonly done: number;
  readonly failed: number;
  readonly timedOut: number;
  readonly aborted: number;
  readonly lost: number;
  readonly refused: number;
  /** Threads that were ended or died and had another put in their place. */
  readonly replaced: number;
  /** Threads that sit in native code and cannot be ended; they go when that returns. */
  readonly leftBehind: number;
  /** The share of their time that threads ran calls, 0 to 1. */
  readonly utilization: number;
  /** From the call to its begin on a thread, and from there to its end, as threads measured them. */
  readonly waits: DurationStats;
  readonly runs: DurationStats;
}

/** Calls by how they ended. */
export interface Ends {
  done: number;
  failed: number;
  timedOut: number;
  aborted: number;
  lost: number;
  refused: number;
}

/** What threads that are gone have done, so that it still counts. */
export class PastThreads {
  readonly #waits = Histogram.empty();
  readonly #runs = Histogram.empty();
  #busyMs = 0;
  #aliveMs = 0;

  add({ board }: Lane, now: MonotonicMs): void {
    this.#waits.add(board.waits);
    this.#runs.add(board.runs);
    this.#busyMs += busyMs(board.cells, undefined);
    this.#aliveMs += now - (board.cells[CELL.readyAt] ?? now);
  }

  /** With the threads that live. */
  total(
    lanes: readonly Lane[],
    now: MonotonicMs,
  ): Pick<PoolStats, "waits" | "runs" | "utilization"> {
    const waits = Histogram.empty();
    const runs = Histogram.empty();
    waits.add(this.#waits);
    runs.add(this.#runs);
    let busy = this.#busyMs;
    let alive = this.#aliveMs;
    for (const { board } of lanes) {
      waits.add(board.waits);
      runs.add(board.runs);
      busy += busyMs(board.cells, board.running === undefined ? undefined : now);
      alive += now - (board.cells[CELL.readyAt] ?? now);
    }
    const utilization = alive <= 0 ? 0 : Math.min(1, busy / alive);
    return { waits: waits.stats(), runs: runs.stats(), utilization };
  }
}

/** @param now given when a call runs: its time so far counts too. */
function busyMs(cells: Float64Array, now: MonotonicMs | undefined): number {
  const past = cells[CELL.busyMs] ?? 0;
  if (now === undefined || cells[CELL.deadlineAt] === Number.POSITIVE_INFINITY) return past;
  return past + Math.max(0, now - (cells[CELL.startedAt] ?? now));
}
