/**
 * The waits of one thread's event loop at one bell, in order. However many there are, one
 * `Atomics.waitAsync` listens for all of them: it does not hold the process, has no deadline (its
 * timers would stay until they are due), and stays behind when nobody waits any more, until the
 * next ring, which it passes on.
 */
import type { Timer } from "../../core/clock.ts";
import { SHARED_LOOK_MS } from "../../core/limits.ts";
import { Deadlines } from "../../sync/deadlines.ts";
import { Line } from "../../sync/line.ts";
import { SlowWait, type WaitBegun } from "../../sync/slow-wait.ts";
import { defaultSyncPorts } from "../../sync/sync-ports.ts";
import type { Bell } from "./bell.ts";
import type { WaitTerms } from "./wait-terms.ts";

/** What the bell is about. */
export interface BellDuty {
  readonly bell: Bell;
  /** Whether somebody who waits here could go on. */
  readonly isMoreThere: () => boolean;
  /** Looks after those who died. */
  readonly look: () => void;
}

/** One wait. */
export interface LoopWait<A extends object> {
  /** Gets what is waited for, or throws why nothing more comes. Never runs code of the user. */
  readonly attempt: () => A | undefined;
  readonly late: (waitMs: number) => Error;
  /** Called when it is over, however it ended. */
  readonly end?: () => void;
}

interface Waiting {
  readonly slow: Pick<SlowWait<object>, "isWaiting" | "refuse">;
  /** Answers it if it can be answered now. */
  readonly serve: () => boolean;
}

const { clock, timers } = defaultSyncPorts;

type AnyWait = Pick<SlowWait<never>, "since" | "isWaiting" | "late">;

export class BellListener {
  readonly #duty: BellDuty;
  readonly #line = new Line<Waiting>(({ slow }) => slow.isWaiting);
  readonly #deadlines: Deadlines<AnyWait>;
  #count = 0;
  #isListening = false;
  #look: Timer | undefined;

  constructor(duty: BellDuty) {
    this.#duty = duty;
    this.#deadlines = new Deadlines(defaultSyncPorts, (wait, waitMs) => wait.late(waitMs));
  }

  /** Waits that are open. */
  get count(): number {
    return this.#count;
  }

  /** At the end of the line. The loop is held open while it waits. */
  wait<A extends object>(terms: WaitTerms, wait: LoopWait<A>): SlowWait<A, WaitBegun> {
    this.#count++;
    const end = (): void => {
      this.#count--;
      this.#deadlines.end(terms.waitMs);
      if (this.#count === 0) this.#rest();
      wait.end?.();
    };
    const slow = new SlowWait<A, WaitBegun>({ since: clock.now() }, { end, late: wait.late });
    this.#deadlines.begin(slow, terms.waitMs);
    this.#line.push({ slow, serve: () => serve(slow, wait) });
    slow.listenTo(terms.signal);
    this.#look ??= timers.after(SHARED_LOOK_MS, () => this.#onLook());
    this.#listen();
    return slow;
  }

  /** Hangs the bell, looks once more, and listens. */
  #listen(): void {
    while (!this.#isListening) {
      const seen = this.#duty.bell.hang();
      this.#serve();
      if (this.#count === 0) {
        if (this.#duty.isMoreThere()) this.#duty.bell.ring();
        return;
      }
      const ring = this.#duty.bell.listen(seen);
      if (ring === undefined) continue;
      this.#isListening = true;
      void ring.then(() => {
        this.#isListening = false;
        this.#listen();
      });
    }
  }

  #serve(): void {
    for (let first = this.#line.peek(); first !== undefined; first = this.#line.peek()) {
      if (!first.serve()) return;
    }
  }

  #onLook(): void {
    this.#look = undefined;
    if (this.#count === 0) return;
    this.#look = timers.after(SHARED_LOOK_MS, () => this.#onLook());
    this.#duty.look();
    this.#duty.bell.hang();
    this.#serve();
  }

  #rest(): void {
    this.#look?.cancel();
    this.#look = undefined;
  }
}

/** Its line skips it from then on. */
function serve<A extends object>(slow: SlowWait<A, WaitBegun>, wait: LoopWait<A>): boolean {
  try {
    const answer = wait.attempt();
    if (answer === undefined) return false;
    slow.answer(answer);
  } catch (error) {
    slow.refuse(error);
  }
  return true;
}
