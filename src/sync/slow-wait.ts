import type { MonotonicMs } from "../core/clock.ts";
import { watchAbort } from "./abort-watch.ts";
import type { CallSite } from "./call-site.ts";
import type { Flow } from "./flow.ts";
import type { Member } from "./roster.ts";

/** What every wait knows of itself. */
export interface WaitBegun {
  readonly since: MonotonicMs;
}

/** What is told of a queue's wait while it is open. */
export interface WaitAbout extends WaitBegun, Member<WaitAbout> {
  /** In words: `room in queue "lines"`. */
  readonly what: string;
  /** Who waits, where that is not simply the flow. */
  readonly who: string | undefined;
  readonly flow: Flow | undefined;
  readonly site: CallSite | undefined;
  readonly waitMs: number;
}

/** What a wait tells its owner. */
export interface WaitEnds {
  /** It is over, however it ended; called before its caller hears of it. */
  readonly end: () => void;
  /** The error that a wait of `waitMs` ends with at its deadline. */
  readonly late: (waitMs: number) => Error;
}

/**
 * One caller who waits: for room, for an item, for a join. It ends once; whoever comes second with
 * an answer changes nothing.
 */
export class SlowWait<A, B extends WaitBegun = WaitAbout> {
  readonly about: B;
  readonly since: MonotonicMs;
  readonly promise: Promise<A>;
  readonly #resolve: (answer: A) => void;
  readonly #reject: (error: unknown) => void;
  readonly #on: WaitEnds;
  #forgetSignal: () => void = () => undefined;
  #phase: "waiting" | "over" = "waiting";

  constructor(about: B, on: WaitEnds) {
    this.about = about;
    this.since = about.since;
    this.#on = on;
    const { promise, resolve, reject } = Promise.withResolvers<A>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get isWaiting(): boolean {
    return this.#phase === "waiting";
  }

  answer(answer: A): void {
    if (this.#over()) this.#resolve(answer);
  }

  refuse(error: unknown): void {
    if (this.#over()) this.#reject(error);
  }

  /** Its deadline has come. */
  late(waitMs: number): void {
    this.refuse(this.#on.late(waitMs));
  }

  /**
   * Ends with the signal's reason when it aborts, or has aborted since it was read: ranking and
   * getters of options run in between. A signal may live long: it is let go of at the end.
   */
  listenTo(signal: AbortSignal | undefined): void {
    if (signal === undefined || !this.isWaiting) return;
    this.#forgetSignal = watchAbort(signal, (reason) => this.refuse(reason));
    if (signal.aborted) this.refuse(signal.reason);
  }

  #over(): boolean {
    if (this.#phase === "over") return false;
    this.#phase = "over";
    this.#forgetSignal();
    this.#on.end();
    return true;
  }
}
