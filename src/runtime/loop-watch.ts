/**
 * Watches the main loop from the supervisor thread: when the beat stops, asks the main thread
 * which handler's code it is in, and when the beat is back, says who it was and for how long.
 */
import type { Clock, Timers } from "../core/clock.ts";
import { LOOP_BEAT_MS, LOOP_BLOCKED_MS, SUPERVISOR_TICK_MS } from "../core/limits.ts";
import type { ProbeAnswer } from "../stack/main-probe.ts";
import { ASK_LOOPS, type LoopMoment, readMoment } from "./loop-registry.ts";

/** How long the question may take: past this the main thread sits in native code. */
const PROBE_MS = 100;

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
  #isStopped = false;

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

  start(): void {
    this.#timers.after(SUPERVISOR_TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#isStopped = true;
  }

  #tick(): void {
    if (this.#isStopped) return;
    const now = this.#clock.now();
    // When this thread itself was late, the machine was paused or starved, and main with it.
    const isOnTime = now - this.#lastTick < 2 * SUPERVISOR_TICK_MS;
    this.#lastTick = now;
    const beat = this.#readBeat();
    if (this.#episode !== undefined && beat !== this.#episode.lastBeat)
      this.#end(this.#episode, beat);
    else if (this.#episode === undefined && beat !== 0 && isOnTime && now - beat > LOOP_BLOCKED_MS)
      this.#begin(beat);
    this.#timers.after(SUPERVISOR_TICK_MS, () => this.#tick());
  }

  #begin(lastBeat: number): void {
    const episode: Episode = { lastBeat, moment: undefined };
    this.#episode = episode;
    void this.#probe(ASK_LOOPS, PROBE_MS).then((answer) => {
      // An answer after the block would name whoever came next.
      const isInTime = this.#readBeat() === lastBeat;
      if (answer.kind === "answered" && isInTime) episode.moment = readMoment(answer.value);
    });
  }

  #end(episode: Episode, beat: number): void {
    this.#episode = undefined;
    const end = beat === 0 ? this.#clock.now() : beat;
    const blockedMs = end - episode.lastBeat - LOOP_BEAT_MS;
    if (blockedMs > LOOP_BLOCKED_MS) this.#onBlock({ moment: episode.moment, blockedMs });
  }
}
