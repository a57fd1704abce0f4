/**
 * Watches the main loop from the supervisor thread: when the beat stops, asks the main thread
 * which handler's code it is in, and when the beat is back, says what it answered.
 */
import type { Clock, MonotonicMs, Timers } from "../core/clock.ts";
import { LOOP_BLOCKED_MS, SUPERVISOR_TICK_MS } from "../core/limits.ts";
import type { ProbeAnswer } from "../stack/main-probe.ts";
import { type AskedLook, SEEN_MS_MIN } from "./block-verdict.ts";
import { ASK_LOOPS, readLook } from "./loop-moment.ts";

/** A question stays open until the loop comes back from native code, or this long. */
const PROBE_MS = 60_000;
/** What an answer from the end of a block gets to arrive here. */
const ANSWER_MS_MAX = 100;
/** The loop is looked at when its beat is this late, and again a little later. */
const FIRST_LOOK_MS = 0.8 * LOOP_BLOCKED_MS;

/** A block as it was seen from here. The main loop itself knows exactly how long it was. */
export interface LoopBlock {
  readonly lastBeat: MonotonicMs;
  readonly looks: readonly AskedLook[];
}

/** One episode, from the beat that stopped to the one that comes next. */
interface Episode {
  readonly lastBeat: MonotonicMs;
  readonly looks: AskedLook[];
  readonly asked: Promise<void>;
}

export class LoopWatch {
  readonly #readBeat: () => number;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #probe: (expression: string, timeoutMs: number) => Promise<ProbeAnswer>;
  readonly #onBlock: (block: LoopBlock) => void;
  #episode: Episode | undefined;
  #lastTick: number;
  #isWatching = false;

  constructor(options: {
    readonly readBeat: () => number;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly probe: (expression: string, timeoutMs: number) => Promise<ProbeAnswer>;
    readonly onBlock: (block: LoopBlock) => void;
  }) {
    this.#readBeat = options.readBeat;
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#probe = options.probe;
    this.#onBlock = options.onBlock;
    this.#lastTick = options.clock.now();
  }

  /** The loop has begun to beat: watch until it falls still again. */
  start(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#lastTick = this.#clock.now();
    this.#timers.after(SUPERVISOR_TICK_MS, () => this.#tick());
  }

  #tick(): void {
    const now = this.#clock.now();
    // When this thread itself was late, the machine was paused or starved, and main with it.
    const isOnTime = now - this.#lastTick < 2 * SUPERVISOR_TICK_MS;
    this.#lastTick = now;
    const beat = this.#readBeat();
    if (this.#episode !== undefined && beat !== this.#episode.lastBeat) this.#end(this.#episode);
    else if (this.#episode === undefined && beat !== 0 && isOnTime && now - beat > FIRST_LOOK_MS)
      this.#begin(beat);
    // Still and nothing open: an idle process costs nothing here. The next start() comes by message.
    if (beat === 0 && this.#episode === undefined) this.#isWatching = false;
    else this.#timers.after(this.#nextTickMs(now, beat), () => this.#tick());
  }

  /** The first look is to come on time: there may be only a few milliseconds left of the block. */
  #nextTickMs(now: MonotonicMs, beat: MonotonicMs): number {
    if (beat === 0 || this.#episode !== undefined) return SUPERVISOR_TICK_MS;
    const untilLookMs = Math.ceil(beat + FIRST_LOOK_MS - now) + 1;
    return Math.min(SUPERVISOR_TICK_MS, Math.max(1, untilLookMs));
  }

  #begin(lastBeat: MonotonicMs): void {
    const looks: AskedLook[] = [];
    this.#episode = { lastBeat, looks, asked: this.#ask(lastBeat, looks) };
  }

  /**
   * Asks twice: a handler that is there only once need not have been there for long. A loop that
   * sits in native code answers the first question late, and needs no second.
   */
  async #ask(lastBeat: MonotonicMs, looks: AskedLook[]): Promise<void> {
    await this.#look(looks);
    if (this.#readBeat() !== lastBeat) return;
    await this.#pause(SEEN_MS_MIN);
    if (this.#readBeat() === lastBeat) await this.#look(looks);
  }

  async #look(looks: AskedLook[]): Promise<void> {
    const askedAt = this.#clock.now();
    const answer = await this.#probe(ASK_LOOPS, PROBE_MS);
    const look = answer.kind === "answered" ? readLook(answer.value) : undefined;
    if (look !== undefined) looks.push({ ...look, askedAt });
  }

  #end({ lastBeat, looks, asked }: Episode): void {
    this.#episode = undefined;
    void Promise.race([asked, this.#pause(ANSWER_MS_MAX)]).then(() =>
      this.#onBlock({ lastBeat, looks: [...looks] }),
    );
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timers.after(ms, resolve);
    });
  }
}
