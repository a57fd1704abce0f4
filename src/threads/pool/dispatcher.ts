/**
 * Which call goes to which thread, and when. Short calls are given ahead of their answers, so that
 * one wake-up pays for many; how many is bounded by how long they run, as measured. A thread whose
 * call takes longer than thought gives back what it has not begun, so that nothing waits behind it
 * while another thread is free.
 */
import type { MonotonicMs } from "../../core/clock.ts";
import { Fifo } from "../../core/fifo.ts";
import { POOL_ANSWERS_TURN_MAX, POOL_GLANCE_MS, POOL_WAKE_WORTH_MS } from "../../core/limits.ts";
import { FIELD } from "./byte-ring.ts";
import type { Call, Target } from "./call.ts";
import { CallTable } from "./call-table.ts";
import type { Lane } from "./lane.ts";
import { FORMAT, isKept, unpack } from "./packed.ts";
import { Stages } from "./stages.ts";

/** How much one answer changes what a function is thought to take. */
const ESTIMATE_SHARE = 0.1;
/** Calls that were settled while they waited are swept out of the line from this many on. */
const SETTLED_MIN = 1_000;

/** What the owner of the calls does with what becomes of them. */
export interface Outcomes {
  /** `state` is one of ANSWER_STATE. */
  answered(call: Call, state: number, value: unknown): void;
  /** Its thread is gone, or its answer could not be read. */
  failed(call: Call, reason: string): void;
  /** No thread knows the function. */
  unknown(call: Call): void;
}

export class Dispatcher {
  readonly lanes: Lane[] = [];
  readonly stages: Stages = new Stages();
  readonly #outcomes: Outcomes;
  readonly #table = new CallTable();
  #line = new Fifo<Call>();
  /** What threads gave back: older than all that is in line. */
  readonly #returned = new Fifo<Call>();
  #settledCount = 0;

  constructor(outcomes: Outcomes) {
    this.#outcomes = outcomes;
  }

  /** Calls that no thread has. */
  get waiting(): number {
    return this.#line.size + this.#returned.size - this.#settledCount;
  }

  /** Calls that threads have. */
  get placed(): number {
    let count = 0;
    for (const { inFlight } of this.lanes) count += inFlight;
    return count;
  }

  /** To a thread that has room, or in line. */
  add(call: Call, now: MonotonicMs): void {
    if (this.#line.size + this.#returned.size > 0 || !this.#place(call, now)) this.#line.push(call);
  }

  #place(call: Call, now: MonotonicMs): boolean {
    const { target } = call;
    if (target.index < 0) return false;
    const lane = this.#pick(target, !isKept(call.format), now);
    if (lane === undefined) return false;
    this.#table.add(call);
    if (lane.write(call, now)) return true;
    this.#table.remove(call);
    return false;
  }

  #pick({ estimateMs }: Target, needsIdle: boolean, now: MonotonicMs): Lane | undefined {
    let idle: Lane | undefined;
    let busy: Lane | undefined;
    for (const lane of this.lanes) {
      if (!lane.isUsable) continue;
      if (lane.inFlight === 0) idle ??= lane;
      else if (!needsIdle && lane.hasRoomFor(estimateMs, now)) {
        if (busy === undefined || lane.backlogMs < busy.backlogMs) busy = lane;
      }
    }
    if (idle === undefined || busy === undefined) return idle ?? busy;
    return busy.backlogMs < POOL_WAKE_WORTH_MS ? busy : idle;
  }

  /** Gives threads what they have room for, oldest first. */
  refill(now: MonotonicMs): void {
    for (;;) {
      const from = this.#returned.size > 0 ? this.#returned : this.#line;
      const call = from.peek();
      if (call === undefined) return;
      if (call.isSettled) this.#settledCount--;
      else if (call.target.index === NO_SUCH_EXPORT) this.#outcomes.unknown(call);
      else if (!this.#place(call, now)) return;
      from.shift();
    }
  }

  /** Shows the threads what they were given. */
  flush(): void {
    for (const lane of this.lanes) lane.flush();
  }

  get hasAnswers(): boolean {
    return this.lanes.some(({ board }) => !board.answers.isEmpty);
  }

  /** Whether some thread is thought to be done with all that it has in no time. */
  get isSoon(): boolean {
    return this.lanes.some(({ inFlight, backlogMs }) => inFlight > 0 && backlogMs < POOL_GLANCE_MS);
  }

  /** Whether a thread has calls ahead of the one that it runs. */
  get isAhead(): boolean {
    return this.lanes.some(({ inFlight }) => inFlight > 1);
  }

  /** Reads answers, a bounded number of each thread. */
  drain(now: MonotonicMs): void {
    for (const lane of this.lanes) this.#drain(lane, now, POOL_ANSWERS_TURN_MAX);
  }

  #drain(lane: Lane, now: MonotonicMs, max: number): void {
    const { answers } = lane.board;
    let count = 0;
    for (; count < max; count++) {
      const word = answers.peek();
      if (word < 0) break;
      this.#read(lane, word);
    }
    if (count === 0) return;
    answers.release();
    lane.movedAt = now;
  }

  #read(lane: Lane, word: number): void {
    const { answers } = lane.board;
    const call = this.#table.get(answers.words[word + FIELD.id] ?? -1);
    const state = answers.words[word + FIELD.state] ?? 0;
    const ranMs = answers.cell(word, 0);
    let value: unknown;
    let problem: string | undefined;
    try {
      value = unpack(answers, word, lane.port);
    } catch (error) {
      problem = `its answer cannot be read: ${String(error)}`;
    }
    answers.consume(word);
    if (call === undefined) return;
    const { target } = call;
    target.estimateMs =
      target.estimateMs === undefined
        ? ranMs
        : target.estimateMs + (ranMs - target.estimateMs) * ESTIMATE_SHARE;
    lane.leave(call);
    this.#table.remove(call);
    this.#unstage(call);
    // Last: what this resolves may call the pool.
    if (call.isSettled) return;
    if (problem === undefined) this.#outcomes.answered(call, state, value);
    else this.#outcomes.failed(call, problem);
  }

  /** Its thread has read the input of a call that it has answered. */
  #unstage({ format, body }: Call): void {
    if (format !== FORMAT.sentShared || !(body instanceof Uint8Array)) return;
    if (body.buffer instanceof SharedArrayBuffer) this.stages.giveBack(body.buffer);
  }

  /** Takes back what threads have not begun that answer nothing. */
  takeBackStalled(now: MonotonicMs): void {
    for (const lane of this.lanes) {
      if (lane.inFlight > 1 && lane.isStalled(now)) this.takeBack(lane);
    }
  }

  /** What the thread has not begun goes to others. */
  takeBack(lane: Lane): void {
    const { calls } = lane.board;
    for (const word of calls.unread()) {
      const call = this.#table.get(calls.words[word + FIELD.id] ?? -1);
      if (call?.lane !== lane || !isKept(call.format) || !lane.withdraw(call)) continue;
      this.#table.remove(call);
      this.#returned.push(call);
    }
  }

  /** The thread answers nothing any more. What it ran is lost, what it had not begun goes to others. */
  lose(lane: Lane, reason: string, now: MonotonicMs): void {
    lane.state = "gone";
    this.#drain(lane, now, Number.POSITIVE_INFINITY);
    this.takeBack(lane);
    this.lanes.splice(this.lanes.indexOf(lane), 1);
    for (const call of this.#table) {
      if (call.lane !== lane) continue;
      lane.leave(call);
      this.#table.remove(call);
      if (!call.isSettled) this.#outcomes.failed(call, reason);
    }
    lane.port.close();
  }

  /**
   * Its caller is about to get another answer. False when it has begun: then it runs on, and its
   * place is kept until its thread has answered.
   */
  withdraw(call: Call): boolean {
    const { lane } = call;
    if (lane === undefined) {
      this.#settledCount++;
      return true;
    }
    if (!lane.withdraw(call)) return false;
    this.#table.remove(call);
    return true;
  }

  /** Lets go of calls that were settled while they waited: a line that does not move must not grow. */
  sweep(): void {
    if (this.#settledCount < SETTLED_MIN || this.#settledCount < this.#line.size / 2) return;
    const line = new Fifo<Call>();
    for (const call of this.#line) {
      if (call.isSettled) this.#settledCount--;
      else line.push(call);
    }
    this.#line = line;
  }

  /** The running call of a thread, by number. */
  callOn(lane: Lane, id: number): Call | undefined {
    const call = this.#table.get(id);
    return call?.lane === lane ? call : undefined;
  }

  /** All that are not settled. */
  *unsettled(): Iterable<Call> {
    for (const calls of [this.#returned, this.#line, this.#table]) {
      for (const call of calls) if (!call.isSettled) yield call;
    }
  }
}

/** A target's index when the module has no such function. */
export const NO_SUCH_EXPORT = -2;
