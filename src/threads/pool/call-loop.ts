/**
 * The work of one thread of a pool: takes calls from its ring, one at a time, and writes answers.
 *
 * Between calls the thread must hold still without burning CPU, be woken fast, and let the user's
 * own timers and sockets go on, which need its event loop. So it sleeps in one of two ways: while
 * work is frequent and nothing else is open in the thread, in `Atomics.wait`, which is woken in
 * 5 µs and blocks the loop for SYNC_SLEEP_MS at most; otherwise in `Atomics.waitAsync`, which costs
 * 35 µs and leaves the loop free. While calls keep coming, the loop gets a turn every TURN_MS.
 *
 * An answer is published before the next call begins, so that a call that kills the thread takes
 * no other one with it.
 */
import type { MessagePort } from "node:worker_threads";
import type { MonotonicMs } from "../../core/clock.ts";
import { POOL_HEAP_LOOK_MS } from "../../core/limits.ts";
import { FIELD } from "./byte-ring.ts";
import { LiveContext } from "./call-context.ts";
import {
  bodyBytesMax,
  FORMAT,
  isSent,
  pack,
  type Packed,
  post,
  receive,
  unpack,
  writeBody,
} from "./packed.ts";
import { CELL, SLEEP, type ThreadBoard, WORD } from "./thread-board.ts";
import { thrownRecord, unclonable } from "./thrown.ts";
import { Transferred } from "./transfer.ts";
import { WorthTrying } from "./worth-trying.ts";

/** What stands in a call's `state` field. Changed by compare-and-exchange only. */
export const CALL_STATE = { waiting: 0, taken: 1, withdrawn: 2 } as const;
/** What stands in an answer's `state` field. */
export const ANSWER_STATE = { returned: 0, threw: 1, threwValue: 2 } as const;

/** How long the loop may stand still in `Atomics.wait`, when nothing is open in the thread. */
const SYNC_SLEEP_MS = 5;
/** How long calls may run one after the other before the event loop gets a turn. */
const TURN_MS = 10;
/** Main is woken once for the answers of this time or this count, whatever comes first. */
const BELL_MS = 0.1;
const BELL_ANSWERS = 32;
/** About what it costs to be waked on another core. */
const SPIN_MS = 0.02;
/** How long to wait for room among the answers before looking again. */
const ROOM_MS = 1;

export type PoolFunction = (input: unknown, context: LiveContext) => unknown;

/** What the loop needs of the thread that it runs in. */
export interface LoopHost {
  readonly now: () => MonotonicMs;
  /** In a turn of its own. */
  readonly soon: (run: () => void) => void;
  /** When no microtask is left. */
  readonly afterMicrotasks: (run: () => void) => void;
  /** Whether something of the user's is open that needs the event loop: a timer, a socket, a file. */
  readonly isLoopNeeded: () => boolean;
  /** What the thread's heap and buffers take. */
  readonly heapBytes: () => number;
}

export class CallLoop {
  readonly #board: ThreadBoard;
  readonly #bell: Int32Array;
  readonly #port: MessagePort;
  readonly #functions: readonly PoolFunction[];
  readonly #host: LoopHost;
  readonly #answer: Packed = { format: FORMAT.undefined, body: undefined };
  #context: LiveContext | undefined;
  /** The running call's number; -1 when none runs. */
  #id = -1;
  #startedAt: MonotonicMs;
  #turnBeganAt: MonotonicMs;
  #bellAt: MonotonicMs;
  #unrung = 0;
  #heapSeenAt: MonotonicMs = 0;
  readonly #spins = new WorthTrying();

  constructor(options: {
    readonly board: ThreadBoard;
    readonly bell: Int32Array;
    readonly port: MessagePort;
    readonly functions: readonly PoolFunction[];
    readonly host: LoopHost;
  }) {
    this.#board = options.board;
    this.#bell = options.bell;
    this.#port = options.port;
    this.#functions = options.functions;
    this.#host = options.host;
    this.#startedAt = this.#turnBeganAt = this.#bellAt = options.host.now();
  }

  start(): void {
    this.#startedAt = this.#host.now();
    this.#board.cells[CELL.readyAt] = this.#startedAt;
    this.#run();
  }

  /** Tells the running call to stop, when it is this one. */
  abort(id: number, reason: Error): void {
    if (this.#id !== id) return;
    Atomics.store(this.#board.words, WORD.abortHeard, id + 1);
    this.#context?.abort(reason);
  }

  readonly #run = (): void => {
    const { calls, words } = this.#board;
    for (;;) {
      if (Atomics.load(words, WORD.stop) === 1) return this.#sleepInLoop();
      const word = calls.peek();
      if (word < 0) break;
      if (!this.#take(word)) continue;
      if (!this.#call(word)) return;
      if (this.#startedAt - this.#turnBeganAt > TURN_MS) return this.#giveTurn();
    }
    calls.release();
    Atomics.store(words, WORD.running, 0);
    this.#ring();
    this.#lookAtHeap();
    this.#host.afterMicrotasks(this.#sleep);
  };

  #lookAtHeap(): void {
    if (this.#startedAt - this.#heapSeenAt < POOL_HEAP_LOOK_MS) return;
    this.#heapSeenAt = this.#startedAt;
    this.#board.cells[CELL.heapBytes] = this.#host.heapBytes();
  }

  #giveTurn(): void {
    Atomics.store(this.#board.words, WORD.running, 0);
    this.#ring();
    this.#lookAtHeap();
    this.#host.soon(this.#newTurn);
  }

  readonly #newTurn = (): void => {
    this.#turnBeganAt = this.#startedAt = this.#host.now();
    this.#run();
  };

  /** False when the call was withdrawn, or this thread is being ended. */
  #take(word: number): boolean {
    const { calls, words, cells } = this.#board;
    const stateWord = word + FIELD.state;
    const { waiting, taken } = CALL_STATE;
    if (Atomics.compareExchange(calls.words, stateWord, waiting, taken) !== waiting) {
      if (isSent(calls.words[word + FIELD.format] ?? 0)) receive(this.#port);
      calls.consume(word);
      // No answer comes of it, but room, which main may wait for.
      this.#unrung++;
      return false;
    }
    this.#id = calls.words[word + FIELD.id] ?? 0;
    // It came after the call before it had ended.
    if (calls.cell(word, 1) > this.#startedAt) this.#startedAt = this.#host.now();
    cells[CELL.deadlineAt] = calls.cell(word, 0);
    cells[CELL.startedAt] = this.#startedAt;
    Atomics.store(words, WORD.running, this.#id + 1);
    // The supervisor stops first and looks for a running call then; this thread does it the other
    // way round. So one of them sees the other, and no call begins on a thread that is being ended.
    if (Atomics.load(words, WORD.stop) === 0) return true;
    Atomics.store(words, WORD.running, 0);
    Atomics.store(calls.words, stateWord, waiting);
    return false;
  }

  /** Runs the call at this place. False when it goes on in a promise. */
  #call(word: number): boolean {
    const { calls, words, waits } = this.#board;
    waits.record(Math.max(0, this.#startedAt - calls.cell(word, 1)));
    words[WORD.begun] = ((words[WORD.begun] ?? 0) + 1) | 0;
    const run = this.#functions[calls.words[word + FIELD.name] ?? 0];
    const deadlineAt = calls.cell(word, 0);
    calls.consume(word);
    let result: unknown;
    try {
      const input = unpack(calls, word, this.#port);
      // Before its answer: a thread that has answered all must have room for all.
      calls.release();
      this.#context = new LiveContext(deadlineAt, this.#host.now);
      result = run?.(input, this.#context);
      if (isThenable(result)) {
        this.#ring();
        Promise.resolve(result).then(this.#onReturned, this.#onThrew);
        return false;
      }
    } catch (error) {
      calls.release();
      this.#end(error, true);
      return true;
    }
    this.#end(result, false);
    return true;
  }

  readonly #onReturned = (value: unknown): void => {
    this.#end(value, false);
    this.#afterPromise();
  };

  readonly #onThrew = (error: unknown): void => {
    this.#end(error, true);
    this.#afterPromise();
  };

  #afterPromise(): void {
    if (this.#startedAt - this.#turnBeganAt > TURN_MS) this.#giveTurn();
    else this.#run();
  }

  /** Writes the answer of the call that has ended. The next one begins at this instant. */
  #end(value: unknown, isThrown: boolean): void {
    const { cells, runs } = this.#board;
    const id = this.#id;
    const endedAt = this.#host.now();
    const ranMs = endedAt - this.#startedAt;
    runs.record(ranMs);
    cells[CELL.busyMs] = (cells[CELL.busyMs] ?? 0) + ranMs;
    // Over, whatever becomes of the answer: nobody may end the thread for it now.
    cells[CELL.deadlineAt] = Number.POSITIVE_INFINITY;
    this.#id = -1;
    this.#context = undefined;
    const state = isThrown ? this.#packThrown(value) : this.#packResult(value);
    this.#write({ id, state, ranMs });
    this.#startedAt = endedAt;
    if (++this.#unrung >= BELL_ANSWERS || endedAt - this.#bellAt > BELL_MS) this.#ring();
  }

  #packResult(value: unknown): number {
    try {
      if (value instanceof Transferred) {
        this.#port.postMessage(value.value, [...value.list]);
        this.#answer.format = FORMAT.sentValue;
        this.#answer.body = undefined;
      } else {
        pack(value, this.#answer);
        if (isSent(this.#answer.format)) post(this.#port, this.#answer);
      }
      return ANSWER_STATE.returned;
    } catch (error) {
      pack(unclonable(error), this.#answer);
      return ANSWER_STATE.threw;
    }
  }

  #packThrown(thrown: unknown): number {
    const record = thrownRecord(thrown);
    if (record === undefined) {
      const state = this.#packResult(thrown);
      return state === ANSWER_STATE.returned ? ANSWER_STATE.threwValue : state;
    }
    pack(record, this.#answer);
    if (isSent(this.#answer.format)) post(this.#port, this.#answer);
    return ANSWER_STATE.threw;
  }

  #write({ id, state, ranMs }: { id: number; state: number; ranMs: number }): void {
    const { answers, words } = this.#board;
    const answer = this.#answer;
    const bytes = bodyBytesMax(answer);
    let word = answers.begin(bytes);
    while (word < 0) {
      // Main has not read for a while. Its own block is not this call's fault.
      this.#ring();
      Atomics.wait(words, WORD.answersHead, Atomics.load(words, WORD.answersHead), ROOM_MS);
      word = answers.begin(bytes);
    }
    const bodyBytes = writeBody(answers, word, answer);
    answer.body = undefined;
    answers.words[word + FIELD.id] = id;
    answers.words[word + FIELD.state] = state;
    answers.setCell(word, 0, ranMs);
    answers.end(bodyBytes);
    answers.publish();
  }

  /** Wakes main when it sleeps. */
  #ring(): void {
    if (this.#unrung === 0) return;
    this.#unrung = 0;
    this.#bellAt = this.#startedAt;
    if (Atomics.load(this.#bell, 0) === 0) return;
    if (Atomics.exchange(this.#bell, 0, 0) === 1) Atomics.notify(this.#bell, 0, 1);
  }

  readonly #sleep = (): void => {
    const { words, calls } = this.#board;
    if (!calls.isEmpty) return this.#awake();
    if (this.#host.isLoopNeeded()) return this.#sleepInLoop();
    if (this.#spin()) return this.#awake();
    Atomics.store(words, WORD.sleep, SLEEP.asleep);
    if (calls.isEmpty) Atomics.wait(words, WORD.sleep, SLEEP.asleep, SYNC_SLEEP_MS);
    Atomics.store(words, WORD.sleep, SLEEP.awake);
    if (calls.isEmpty) this.#sleepInLoop();
    else this.#awake();
  };

  /** Looks for a call for SPIN_MS before it sleeps, if that has been worth it. */
  #spin(): boolean {
    if (!this.#spins.isWorthIt()) return false;
    const { calls } = this.#board;
    const until = this.#host.now() + SPIN_MS;
    while (calls.isEmpty && this.#host.now() < until);
    if (calls.isEmpty) this.#spins.failed();
    else this.#spins.succeeded();
    return !calls.isEmpty;
  }

  #sleepInLoop(): void {
    const { words, calls } = this.#board;
    Atomics.store(words, WORD.sleep, SLEEP.asleep);
    const isStopped = Atomics.load(words, WORD.stop) === 1;
    if (!calls.isEmpty && !isStopped) return this.#awake();
    const wait = Atomics.waitAsync(words, WORD.sleep, SLEEP.asleep);
    if (wait.async) void wait.value.then(this.#onWoken);
    else this.#awake();
  }

  readonly #onWoken = (): void => {
    Atomics.store(this.#board.words, WORD.sleep, SLEEP.awake);
    this.#awake();
  };

  #awake(): void {
    Atomics.store(this.#board.words, WORD.sleep, SLEEP.awake);
    this.#newTurn();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
