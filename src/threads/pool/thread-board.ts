/**
 * The shared memory of one thread of a pool: two rings, and the words that main, the thread and
 * the supervisor tell each other without a message. Each word has one writer, except where it is
 * changed by compare-and-exchange only; words of different writers lie on cache lines of their own.
 */
import { ByteRing, RING_BYTES } from "./byte-ring.ts";
import { HISTOGRAM_BYTES, Histogram } from "./histogram.ts";

/** Int32 words by index; sixteen to a cache line. */
export const WORD = {
  /** Calls written, in bytes of the ring; main. */
  callsTail: 0,
  /** Answers read; main. */
  answersHead: 1,
  /** Calls taken; the thread. */
  callsHead: 16,
  /** Answers written; the thread. */
  answersTail: 17,
  /** What the thread sleeps in: {@link SLEEP}. By compare-and-exchange. */
  sleep: 32,
  /** The running call's number and 1, or 0; the thread. */
  running: 48,
  /** The last call whose abort the thread's loop has heard; the thread. */
  abortHeard: 49,
  /** Its number in the operating system, 0 where that is not known; the thread. */
  osThread: 50,
  /** Calls begun since the thread started, modulo 2^32; the thread. */
  begun: 51,
  /** 1: take no call any more; the supervisor. */
  stop: 64,
} as const;

/** What stands in `WORD.sleep`. */
export const SLEEP = { awake: 0, asleep: 1 } as const;

/** Float64 cells by index, written by the thread. */
export const CELL = {
  /** When the running call must be over, and when it began; monotonic ms. */
  deadlineAt: 0,
  startedAt: 1,
  /** Sum of the run times of all calls that are over. */
  busyMs: 2,
  /** When the thread was ready for its first call. */
  readyAt: 3,
  /** The heap in use when it was last looked at, in bytes. */
  heapBytes: 4,
} as const;

const WORDS_BYTES = 5 * 64;
const CELLS_BYTES = 64;
const WAITS_AT = WORDS_BYTES + CELLS_BYTES;
const RUNS_AT = WAITS_AT + HISTOGRAM_BYTES;
const CALLS_AT = RUNS_AT + HISTOGRAM_BYTES;
const ANSWERS_AT = CALLS_AT + RING_BYTES;

export function newBoardMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(ANSWERS_AT + RING_BYTES);
}

/** Views of one thread's board. Whoever may write what stands at the words. */
export class ThreadBoard {
  readonly words: Int32Array;
  readonly cells: Float64Array;
  /** How long calls waited before they began, and how long they ran. */
  readonly waits: Histogram;
  readonly runs: Histogram;
  readonly calls: ByteRing;
  readonly answers: ByteRing;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory, 0, WORDS_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.cells = new Float64Array(
      memory,
      WORDS_BYTES,
      CELLS_BYTES / Float64Array.BYTES_PER_ELEMENT,
    );
    this.waits = new Histogram(memory, WAITS_AT);
    this.runs = new Histogram(memory, RUNS_AT);
    const { words } = this;
    this.calls = new ByteRing(memory, CALLS_AT, {
      ...{ words, tail: WORD.callsTail, head: WORD.callsHead },
    });
    this.answers = new ByteRing(memory, ANSWERS_AT, {
      ...{ words, tail: WORD.answersTail, head: WORD.answersHead },
    });
  }

  /** The number of the call that runs, or `undefined`. */
  get running(): number | undefined {
    const word = Atomics.load(this.words, WORD.running);
    return word === 0 ? undefined : word - 1;
  }

  /** Wakes the thread when it sleeps, by whatever it sleeps in. */
  wake(): void {
    if (Atomics.load(this.words, WORD.sleep) === SLEEP.awake) return;
    if (Atomics.exchange(this.words, WORD.sleep, SLEEP.awake) === SLEEP.asleep) {
      Atomics.notify(this.words, WORD.sleep, 1);
    }
  }
}
