/** A wait of this thread for a shared lock, as the boards of its locks show it to all threads. */
import type { Timer } from "../../core/clock.ts";
import type { UnjamError } from "../../core/errors.ts";
import { SHARED_LOOK_MS, SHARED_DEADLOCK_LOOK_MS, SHARED_PATIENCE_MS } from "../../core/limits.ts";
import { type CallSite, placeOf } from "../../sync/call-site.ts";
import type { Flow } from "../../sync/flow.ts";
import type { Hold } from "../../sync/guard.ts";
import { defaultSyncPorts } from "../../sync/sync-ports.ts";
import { findDeadlock } from "./cross-deadlock.ts";
import { sharedNow } from "./shared-clock.ts";
import { ownThread, threadName } from "./thread-life.ts";
import type { BoardWait, LockId, WaitBoard } from "./wait-board.ts";

/** A lock, as far as a board tells of it. */
export interface BoardedLock {
  readonly what: string;
  readonly id: LockId;
  readonly permitCount: number;
  readonly board: WaitBoard;
}

/** Everything that this thread holds of all locks. */
export const heldHere: Map<Hold, BoardedLock> = new Map<Hold, BoardedLock>();

export class PostedWait {
  readonly #lock: BoardedLock;
  readonly #wait: ReturnType<typeof placeOf>;
  #holds: readonly Hold[] = [];
  #rows: readonly { readonly board: WaitBoard; readonly row: number }[] = [];
  #postedAt = 0;
  #timer: Timer | undefined;

  constructor(lock: BoardedLock, waitSite: CallSite | undefined) {
    this.#lock = lock;
    this.#wait = placeOf(waitSite);
  }

  /** The thread is asleep over it: whatever it holds waits with it. */
  postThread(): void {
    if (this.#rows.length === 0) this.#post(threadHere(), [...heldHere.keys()]);
  }

  /**
   * These flows of an event loop wait for it, proved anew; none: nothing is proved. While the wait
   * is posted it is looked at again and again; `refuse` ends it.
   */
  proven(flows: readonly Flow[], refuse: (error: UnjamError) => void): void {
    const holds = [...heldHere.keys()].filter(
      ({ flow }) => flow !== undefined && flows.includes(flow),
    );
    if (isSame(holds, this.#holds)) return;
    this.end();
    if (holds.length === 0) return;
    const names = flows.map(({ name }) => name);
    this.#post(`${threadHere()}, ${names.at(-1) ?? "a flow"}`, holds);
    this.#lookIn(SHARED_DEADLOCK_LOOK_MS, refuse);
  }

  /** Why it would never end, if that can be seen now. */
  deadlock(): UnjamError<"UNJAM_DEADLOCK"> | undefined {
    const posted = this.#rows.find(({ board }) => board === this.#lock.board);
    if (posted === undefined) return undefined;
    const isPatient = sharedNow() - this.#postedAt < SHARED_PATIENCE_MS;
    return findDeadlock(posted.board, posted.row, isPatient);
  }

  end(): void {
    this.#timer?.cancel();
    for (const { board, row } of this.#rows) board.remove(row);
    this.#rows = [];
    this.#holds = [];
  }

  #lookIn(delayMs: number, refuse: (error: UnjamError) => void): void {
    const look = (): void => {
      const error = this.deadlock();
      if (error === undefined) {
        this.#lookIn(SHARED_LOOK_MS, refuse);
        return;
      }
      this.end();
      refuse(error);
    };
    this.#timer = defaultSyncPorts.timers.after(delayMs, look, {
      keepsAlive: false,
      repeats: true,
    });
  }

  #post(who: string, holds: readonly Hold[]): void {
    const { id, permitCount, what } = this.#lock;
    const locks = holds.map((hold) => heldHere.get(hold) ?? this.#lock);
    const wait: BoardWait = {
      lock: id,
      permits: permitCount,
      holds: locks.map((lock) => lock.id),
      told: {
        ...{ who, waitsFor: what, waitSite: this.#wait.site, waitSiteKind: this.#wait.siteKind },
        holds: holds.map(({ owner, site }) => ({ what: owner.what, ...placeOf(site) })),
      },
    };
    // A lock that another thread made may stand on another board than ours.
    const boards = new Set([this.#lock.board, ...locks.map(({ board }) => board)]);
    this.#holds = holds;
    this.#postedAt = sharedNow();
    this.#rows = Array.from(boards, (board) => ({ board, row: board.post(wait) })).filter(
      ({ row }) => row !== 0,
    );
  }
}

function threadHere(): string {
  return threadName(ownThread().threadId);
}

function isSame(holds: readonly Hold[], others: readonly Hold[]): boolean {
  return holds.length === others.length && holds.every((hold, index) => hold === others[index]);
}
