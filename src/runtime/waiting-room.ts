import type { Clock, MonotonicMs, Timer, Timers } from "../core/clock.ts";
import type { Entry } from "./intake.ts";

/** Waiters that try at once when room came free; the others keep their place behind them. */
const TAKE_MAX = 256;

/**
 * Callers that wait for room in one queue, first come first served. While some of them are trying,
 * nobody else is let in front; each leaves by success, by refusal, or at its deadline.
 */
export class WaitingRoom {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #onLate: (entry: Entry) => void;
  readonly #onReady: () => void;
  #line: Entry[] = [];
  /** Those that went to the store last; they are there while `#tryingCount` is not 0. */
  #trying: readonly Entry[] = [];
  #tryingCount = 0;
  #returned: Entry[] = [];
  /** Room came free while some were trying: the next may try as soon as these are back. */
  #isWanted = false;
  #timer: { readonly timer: Timer; readonly at: number } | undefined;

  constructor(
    ports: { readonly clock: Clock; readonly timers: Timers },
    on: { readonly late: (entry: Entry) => void; readonly ready: () => void },
  ) {
    this.#clock = ports.clock;
    this.#timers = ports.timers;
    this.#onLate = on.late;
    this.#onReady = on.ready;
  }

  get size(): number {
    return this.#line.length + this.#returned.length + this.#tryingCount;
  }

  /** Those who wait, but for the ones who are trying right now. */
  get entries(): readonly Entry[] {
    return [...this.#returned, ...this.#line];
  }

  /** Since when the first of them waits. */
  get waitingSince(): MonotonicMs | undefined {
    const firsts = [this.#line[0], this.#returned[0], ...this.#trying];
    const times = firsts.flatMap((entry) => entry?.request.since ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** At the end of the line. */
  enter(entry: Entry): void {
    this.#line.push(entry);
    this.#watch(entry);
  }

  /** The first in line, to try now. Empty while others are trying, or on their way back to the line. */
  take(): readonly Entry[] {
    this.#dropLate();
    if (this.#tryingCount > 0 || this.#returned.length > 0) {
      this.#isWanted = true;
      return [];
    }
    const taken = this.#line.splice(0, TAKE_MAX);
    this.#trying = taken;
    this.#tryingCount = taken.length;
    return taken;
  }

  /** One of those who tried found it still full: back to its old place. */
  back(entry: Entry): void {
    this.#returned.push(entry);
    this.#watch(entry);
  }

  /** One of those who tried has its answer. When all have, the ones who came back lead the line. */
  answered(): void {
    if (this.#tryingCount === 0) return;
    this.#tryingCount--;
    if (this.#tryingCount > 0) return;
    this.#trying = [];
    this.#timers.soon(() => this.#rejoin());
  }

  /** Everyone who waits leaves. Those who are trying right now get the store's answer. */
  clear(): readonly Entry[] {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    return [...this.#returned.splice(0), ...this.#line.splice(0)];
  }

  #rejoin(): void {
    this.#line = [...this.#returned, ...this.#line];
    this.#returned = [];
    if (!this.#isWanted) return;
    this.#isWanted = false;
    this.#onReady();
  }

  /** One timer for the earliest deadline; late waiters leave even when nothing else happens. */
  #watch({ request }: Entry): void {
    if (this.#timer !== undefined && this.#timer.at <= request.deadline) return;
    this.#timer?.timer.cancel();
    const delayMs = Math.max(0, request.deadline - this.#clock.now());
    const timer = this.#timers.after(Math.ceil(delayMs), () => {
      this.#timer = undefined;
      this.#dropLate();
    });
    this.#timer = { timer, at: request.deadline };
  }

  #dropLate(): void {
    const now = this.#clock.now();
    const isLate = ({ request }: Entry): boolean => request.deadline <= now;
    const late = [...this.#returned.filter(isLate), ...this.#line.filter(isLate)];
    if (late.length > 0) {
      this.#returned = this.#returned.filter((entry) => !isLate(entry));
      this.#line = this.#line.filter((entry) => !isLate(entry));
      for (const entry of late) this.#onLate(entry);
    }
    const [next] = [...this.#returned, ...this.#line].toSorted(
      (a, b) => a.request.deadline - b.request.deadline,
    );
    if (next !== undefined) this.#watch(next);
  }
}
