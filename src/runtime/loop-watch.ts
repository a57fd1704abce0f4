/**
 * Watches the main loop from the supervisor thread: when the beat stops, asks the main thread
 * which handler's code it is in, and when the beat is back, says who it was and for how long.
 */
import type { Clock, Timers } from "../core/clock.ts";
import { LOOP_BEAT_MS, LOOP_BLOCKED_MS, SUPERVISOR_TICK_MS } from "../core/limits.ts";
import type { ProbeAnswer } from "../stack/main-probe.ts";
import { ASK_LOOPS, type LoopMoment, readMoment } from "./loop-moment.ts";

/** How long the question may take: past this the main thread sits in native code. */
const PROBE_MS = 100;
/** The loop is looked at when its beat is this late, and again a little later. */
const FIRST_LOOK_MS = 0.8 * LOOP_BLOCKED_MS;
const SECOND_LOOK_MS = 15;

/** A block as it was seen. `moment` is missing when the main thread could not be asked. */
export interface LoopBlock {
  readonly moment: LoopMoment | undefined;
  readonly blockedMs: number;
}

/** One episode, from the beat that stopped to the one that comes next. */
interface Episode {
  readonly lastBeat: number;
  moment: LoopMoment | undefined;
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
    if (this.#episode !== undefined && beat !== this.#episode.lastBeat)
      this.#end(this.#episode, beat);
    else if (this.#episode === undefined && beat !== 0 && isOnTime && now - beat > FIRST_LOOK_MS)
      this.#begin(beat);
    // Still and nothing open: an idle process costs nothing here. The next start() comes by message.
    if (beat === 0 && this.#episode === undefined) this.#isWatching = false;
    else this.#timers.after(SUPERVISOR_TICK_MS, () => this.#tick());
  }

  /**
   * Asks twice: a collector's pause or a starved core stops the loop too, and then the handler that
   * happens to be there is innocent. Only one that is still there the second time is named.
   */
  #begin(lastBeat: number): void {
    const episode: Episode = { lastBeat, moment: undefined };
    this.#episode = episode;
    void this.#ask(lastBeat).then(async (first) => {
      if (first === undefined) return;
      await new Promise<void>((resolve) => {
        this.#timers.after(SECOND_LOOK_MS, resolve);
      });
      const second = await this.#ask(lastBeat);
      if (second?.id === first.id) episode.moment = second;
    });
  }

  /** Which handler the loop is in, or `undefined` when it turned meanwhile: that would be whoever came next. */
  async #ask(lastBeat: number): Promise<LoopMoment | undefined> {
    const answer = await this.#probe(ASK_LOOPS, PROBE_MS);
    const isInTime = this.#readBeat() === lastBeat;
    return answer.kind === "answered" && isInTime ? readMoment(answer.value) : undefined;
  }

  #end(episode: Episode, beat: number): void {
    this.#episode = undefined;
    const end = beat === 0 ? this.#clock.now() : beat;
    const blockedMs = end - episode.lastBeat - LOOP_BEAT_MS;
    if (blockedMs > LOOP_BLOCKED_MS) this.#onBlock({ moment: episode.moment, blockedMs });
  }
}
