/**
 * What a queue does, one call after the other, as plain lists. It knows nothing of promises: whoever
 * drives it says what consumers took, and it says whether that was theirs to take.
 */

import type { Policy } from "./interleaved-command.ts";

export type ModelOrder = "fifo" | "lifo" | "by";

/** Equal ranks come often, so that ties are met. */
export function rankOf(id: number): number {
  return id % 3;
}

/** What a put, an ask or a join must have come to. */
export type Expected =
  | "pending"
  | { readonly value: unknown }
  | { readonly code: string }
  /** Ended by its signal. */
  | { readonly aborted: true };

/** One caller who waits. */
export interface ModelWait {
  readonly kind: "put" | "ask" | "get" | "join";
  /** What is put; `-1` where nothing is. */
  readonly id: number;
  readonly deadlineAt: number;
  expected: Expected;
}

/** Where an item is; each was let in once and ends once. */
type Place = "queued" | "held" | "done" | "failed" | "dropped";

export class QueueModel {
  readonly capacity: number;
  readonly order: ModelOrder;
  /** The next first. */
  queue: number[] = [];
  readonly held = new Set<number>();
  readonly line: ModelWait[] = [];
  /** Those who come back by themselves; the one who does so next first. */
  readonly retrying: ModelWait[] = [];
  /** All waits that may have a deadline, in the order in which they began. */
  readonly waits: ModelWait[] = [];
  readonly places = new Map<number, Place>();
  phase: "open" | "broken" | "closed" = "open";
  isPaused = false;
  /** Getters and idle slots that wait; those who drive the model know. */
  takers = 0;
  liveConsumers = 0;
  #lastGone: "nobody" | "stopped" | "died" = "nobody";
  /** Somebody asked for an item himself, and may do so again. */
  hadGetter = false;
  readonly #asks = new Map<number, ModelWait>();
  readonly #arrivals = new Map<number, number>();
  #arrivalCount = 0;
  #joins: ModelWait[] = [];
  #done = 0;
  #failed = 0;

  constructor(capacity: number, order: ModelOrder) {
    this.capacity = capacity;
    this.order = order;
  }

  get unfinished(): number {
    return this.queue.length + this.held.size;
  }

  get hasRoom(): boolean {
    return this.phase === "open" && this.queue.length < this.capacity && this.line.length === 0;
  }

  put(wait: ModelWait, whenFull: Policy): void {
    this.waits.push(wait);
    if (wait.kind === "ask") this.#asks.set(wait.id, wait);
    if (this.phase === "closed") wait.expected = { code: "UNJAM_QUEUE_CLOSED" };
    else if (this.phase === "broken") wait.expected = { code: "UNJAM_NO_CONSUMER" };
    else if (this.hasRoom) {
      this.#letIn(wait);
      this.match();
    } else if (whenFull === "reject") wait.expected = { code: "UNJAM_QUEUE_FULL" };
    else if (whenFull === "drop-newest") {
      wait.expected = wait.kind === "ask" ? { code: "UNJAM_ITEM_DROPPED" } : { value: "dropped" };
    } else if (whenFull === "drop-oldest") this.#dropOldest(wait);
    else if (this.#isAbandoned) wait.expected = { code: "UNJAM_NO_CONSUMER" };
    else if (whenFull === "retry") this.retrying.push(wait);
    else this.line.push(wait);
  }

  /** The time of the first who retries has come. */
  retryFirst(): void {
    const wait = this.retrying.shift();
    if (wait === undefined) throw new Error("nobody retries");
    if (this.hasRoom) {
      this.#letIn(wait);
      this.match();
    } else this.retrying.push(wait);
  }

  tryPut(id: number): boolean {
    if (!this.hasRoom) return false;
    this.#letIn({ kind: "put", id, deadlineAt: Infinity, expected: "pending" });
    this.match();
    return true;
  }

  /** The next item, taken by somebody who does not wait for it. */
  take(): number | undefined {
    if (this.isPaused) return undefined;
    const id = this.#next();
    if (id !== undefined && this.line.length > 0) this.match();
    return id;
  }

  settle(id: number, end: "done" | "failed", answer: Expected): void {
    if (!this.held.delete(id)) throw new Error(`${id} was settled and not held`);
    this.places.set(id, end);
    if (end === "done") this.#done++;
    else this.#failed++;
    this.#answer(id, answer);
    this.tellJoins();
  }

  putBack(id: number): void {
    if (!this.held.delete(id)) throw new Error(`${id} was put back and not held`);
    this.places.set(id, "queued");
    this.#arrivalCount++;
    this.#arrivals.set(id, this.order === "lifo" ? this.#arrivalCount : -this.#arrivalCount);
    const at =
      this.order === "by" ? this.queue.findIndex((other) => rankOf(other) >= rankOf(id)) : 0;
    this.queue.splice(at === -1 ? this.queue.length : at, 0, id);
    this.match();
  }

  join(wait: ModelWait): void {
    this.waits.push(wait);
    if (this.unfinished > 0 && this.#isAbandoned && this.#lastGone === "died") {
      wait.expected = { code: "UNJAM_NO_CONSUMER" };
      return;
    }
    this.#joins.push(wait);
    this.tellJoins();
  }

  /** Ends a wait that is open: by its signal, or at its deadline. */
  end(wait: ModelWait, how: "aborted" | "late"): void {
    if (wait.expected !== "pending") return;
    const place = this.places.get(wait.id);
    const isOutside = place === undefined;
    wait.expected = how === "aborted" ? { aborted: true } : { code: lateCode(wait, isOutside) };
    const inLine = this.line.indexOf(wait);
    if (inLine !== -1) this.line.splice(inLine, 1);
    const inRetrying = this.retrying.indexOf(wait);
    if (inRetrying !== -1) this.retrying.splice(inRetrying, 1);
    if (wait.kind === "ask" && place === "queued") {
      this.#drop(wait.id);
      this.match();
    }
  }

  /** Ends all waits whose deadline has come, in the order in which they began. */
  expire(now: number): void {
    for (const wait of [...this.waits]) if (wait.deadlineAt <= now) this.end(wait, "late");
  }

  resume(): void {
    this.isPaused = false;
    this.match();
  }

  close(drop: boolean): void {
    this.phase = "closed";
    this.#refuseLine("UNJAM_QUEUE_CLOSED");
    if (drop) for (const id of [...this.queue]) this.#drop(id, "UNJAM_ITEM_DROPPED");
  }

  consumerStarted(): void {
    this.liveConsumers++;
    if (this.phase === "broken") this.phase = "open";
  }

  consumerLeft(how: "stopped" | "died"): void {
    this.liveConsumers--;
    this.#lastGone = how;
    if (!this.#isAbandoned) return;
    this.#refuseLine("UNJAM_NO_CONSUMER");
    if (how === "stopped") return;
    if (this.phase === "open") this.phase = "broken";
    for (const join of this.#joins.splice(0)) {
      if (join.expected === "pending") join.expected = { code: "UNJAM_NO_CONSUMER" };
    }
    for (const id of [...this.queue]) {
      if (this.#asks.get(id)?.expected === "pending") this.#drop(id, "UNJAM_NO_CONSUMER");
    }
  }

  /** Moves what can be moved: first those who wait for room, then items to those who wait for them. */
  match(): void {
    for (;;) {
      const first = this.line[0];
      if (first !== undefined && this.queue.length < this.capacity && this.phase === "open") {
        this.line.shift();
        this.#letIn(first);
      } else if (this.takers > 0 && this.queue.length > 0 && !this.isPaused) {
        this.takers--;
        this.#next();
      } else return;
    }
  }

  tellJoins(): void {
    const open = this.#joins.filter(({ expected }) => expected === "pending");
    this.#joins = open;
    if (this.unfinished > 0 || open.length === 0) return;
    for (const join of open) {
      join.expected = { value: { done: this.#done, failed: this.#failed } };
    }
    this.#done = 0;
    this.#failed = 0;
  }

  get #isAbandoned(): boolean {
    if (this.liveConsumers > 0 || this.#lastGone === "nobody") return false;
    return this.#lastGone === "died" || !this.hadGetter;
  }

  #letIn(wait: ModelWait): void {
    const { id } = wait;
    if (this.places.has(id)) throw new Error(`${id} was let in twice`);
    this.places.set(id, "queued");
    this.#arrivals.set(id, ++this.#arrivalCount);
    this.#insert(id);
    if (wait.kind === "put") wait.expected = { value: "added" };
  }

  #insert(id: number): void {
    if (this.order === "fifo") this.queue.push(id);
    else if (this.order === "lifo") this.queue.unshift(id);
    else {
      const at = this.queue.findIndex((other) => rankOf(other) > rankOf(id));
      this.queue.splice(at === -1 ? this.queue.length : at, 0, id);
    }
  }

  #next(): number | undefined {
    const id = this.queue.shift();
    if (id === undefined) return undefined;
    this.held.add(id);
    this.places.set(id, "held");
    return id;
  }

  #dropOldest(wait: ModelWait): void {
    const oldest = this.queue.reduce((a, b) => (this.#arrivalOf(a) < this.#arrivalOf(b) ? a : b));
    this.#letIn(wait);
    this.#drop(oldest, "UNJAM_ITEM_DROPPED");
  }

  #drop(id: number, code?: string): void {
    this.queue = this.queue.filter((other) => other !== id);
    this.places.set(id, "dropped");
    if (code !== undefined) this.#answer(id, { code });
    this.tellJoins();
  }

  #answer(id: number, answer: Expected): void {
    const ask = this.#asks.get(id);
    if (ask?.expected === "pending") ask.expected = answer;
  }

  #refuseLine(code: string): void {
    for (const wait of [...this.line.splice(0), ...this.retrying.splice(0)]) {
      wait.expected = { code };
    }
  }

  #arrivalOf(id: number): number {
    return this.#arrivals.get(id) ?? Infinity;
  }
}

function lateCode(wait: ModelWait, isOutside: boolean): string {
  if (wait.kind === "join") return "UNJAM_JOIN_TIMEOUT";
  if (wait.kind === "get") return "UNJAM_WAIT_TIMEOUT";
  return isOutside ? "UNJAM_QUEUE_FULL" : "UNJAM_WAIT_TIMEOUT";
}
