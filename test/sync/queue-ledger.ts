/** Calls to a queue, with what each was told: whatever runs in their middle, the sums must be right. */
import type { JoinableQueueOptions } from "../../src/sync/queue-options.ts";
import type { Consumer } from "../../src/sync/consumer.ts";
import type { Lease } from "../../src/sync/lease.ts";
import { QueueStage, type Watched, watch } from "./queue-stage.ts";

const WAIT_MS = 50_000;
const FAILURE = new Error("failed on purpose");

/** How a queue stands before the call. */
export type Start = "fill" | "leaveRoom" | "starve";

/** Puts a trap into the options of a call. */
export type Dress = (options: object) => object;

export class QueueLedger {
  readonly stage: QueueStage<number, number>;
  /** What callers were told is in. */
  readonly added = new Set<number>();
  readonly #refused = new Set<number>();
  /** Asked for: whether it came in the caller is not told. */
  readonly #asked = new Set<number>();
  /** Each time that somebody got an item. */
  readonly taken: number[] = [];
  readonly #back: number[] = [];
  /** Taken one after the other at the end, so that it is known in which order. */
  readonly #drained: number[] = [];
  readonly #leases: Lease<number>[] = [];
  readonly #consumers: Consumer[] = [];
  readonly #stops: AbortController[] = [];
  readonly #waits: Watched<unknown>[] = [];
  #isDropped = false;
  #nextValue = 0;
  /** Values that were there before the call, waiting for room included. */
  #earlierCount = 0;

  constructor(options: JoinableQueueOptions<number>) {
    this.stage = new QueueStage<number, number>({ capacity: 2, waitersMax: 20, ...options });
  }

  setUp(start: Start): void {
    this[start]();
    this.#earlierCount = this.#nextValue;
  }

  /** Two leases, two that wait in the queue, and one whose caller waits for room. */
  fill(): void {
    for (let n = 0; n < 2; n++) {
      this.call("tryPut");
      this.call("tryGet");
    }
    for (let n = 0; n < 2; n++) this.call("tryPut");
    this.call("put");
  }

  /** One lease, and room for one more beside the one that waits in the queue. */
  leaveRoom(): void {
    this.call("tryPut");
    this.call("tryGet");
    this.call("tryPut");
  }

  /** A getter and a consumer who wait for items, and one lease. */
  starve(): void {
    this.call("tryPut");
    this.call("tryGet");
    this.call("get");
    this.call("consume");
  }

  call(name: QueueCall, dress: Dress = (options) => options): void {
    CALLS[name](this, dress);
  }

  put(kind: "put" | "ask", dress: Dress): void {
    const n = this.#nextValue++;
    const given = dress(this.#terms());
    if (kind === "ask") {
      this.#asked.add(n);
      this.#waits.push(watch(this.stage.queue.ask(n, given)));
      return;
    }
    const told = this.stage.queue.put(n, given).then(
      (outcome) => void (outcome === "added" ? this.added : this.#refused).add(n),
      () => void this.#refused.add(n),
    );
    this.#waits.push(watch(told));
  }

  tryPut(): void {
    const n = this.#nextValue++;
    if (this.stage.queue.tryPut(n)) this.added.add(n);
    else this.#refused.add(n);
  }

  get(dress: Dress): void {
    const got = this.stage.queue.get(dress(this.#terms())).then((lease) => this.#got(lease));
    this.#waits.push(watch(got));
  }

  tryGet(): void {
    const lease = this.stage.queue.tryGet();
    if (lease !== undefined) this.#got(lease);
  }

  settle(end: "done" | "fail" | "putBack"): void {
    const lease = this.#leases.shift();
    if (lease === undefined) return;
    if (end === "putBack") this.#back.push(lease.value);
    lease[end](FAILURE);
  }

  consume(dress: Dress): void {
    const handler = (n: number): number => (this.taken.push(n), n);
    try {
      const consumer = this.stage.queue.consume(handler, dress({ concurrency: 1 }));
      this.#consumers.push(consumer);
      this.#waits.push(watch(consumer.finished));
    } catch {
      // The queue was closed meanwhile.
    }
  }

  stop(dress: Dress): void {
    this.#consumers.shift()?.stop(dress({ graceMs: 0 }));
  }

  loop(dress: Dress): void {
    const loop = this.stage.queue.items(dress(this.#terms()));
    const first = loop.next().then(({ done, value }) => {
      if (done !== true) this.taken.push(value);
      return loop.return?.();
    });
    this.#waits.push(watch(first));
  }

  join(dress: Dress): void {
    this.#waits.push(watch(this.stage.queue.join(dress(this.#terms()))));
  }

  close(drop: boolean, dress: Dress): void {
    this.#isDropped ||= drop;
    this.stage.queue.close(dress({ drop }));
  }

  abort(): void {
    this.#stops.shift()?.abort("enough");
  }

  #terms(): { readonly waitMs: number; readonly signal: AbortSignal } {
    const stop = new AbortController();
    this.#stops.push(stop);
    return { waitMs: WAIT_MS, signal: stop.signal };
  }

  /** What is wrong now, when no call is under way; empty when the queue is whole. */
  faults(): string[] {
    const { size, unfinished, putters, takers, isPaused, phase, holders, waits } =
      this.stage.queue.snapshot();
    return faultsIn([
      [unfinished === size + holders.length, "each unfinished item waits or is held"],
      [size <= 2 + this.#back.length, "the capacity holds"],
      [takers === 0 || size === 0 || isPaused, "nobody waits for what is there"],
      [putters === 0 || size >= 2 || phase !== "open", "nobody waits for room that is there"],
      [waits.length <= this.#waits.length, "nobody waits who never called"],
    ]);
  }

  /** Works off all that is there; what is wrong after that. */
  async end(): Promise<string[]> {
    const { queue } = this.stage;
    queue.resume();
    for (let round = 0; round < 40; round++) {
      await this.stage.rest();
      this.settle("done");
      const before = this.taken.length;
      this.tryGet();
      this.#drained.push(...this.taken.slice(before));
    }
    queue.close();
    await this.stage.advance(60_000);
    const { size, unfinished, putters, takers, holders, waits } = queue.snapshot();
    const left = [size, unfinished, putters, takers, holders.length, waits.length];
    return faultsIn([
      [left.every((count) => count === 0), `nothing is left: ${left.join(" ")}`],
      [this.#waits.every(({ isPending }) => !isPending), "every call has ended"],
      [this.#timesTaken(), "each item was taken once, and once more when it was put back"],
      [this.#isInOrder(), `items leave as they came: ${this.#drained.join(" ")}`],
    ]);
  }

  #got(lease: Lease<number>): void {
    this.taken.push(lease.value);
    this.#leases.push(lease);
  }

  #timesTaken(): boolean {
    for (let n = 0; n < this.#nextValue; n++) {
      const times = this.taken.filter((other) => other === n).length;
      const timesBack = this.#back.filter((other) => other === n).length;
      if (this.#refused.has(n) && times > 0) return false;
      if (times > 1 + timesBack) return false;
      if (this.added.has(n) && !this.#isDropped && times !== 1 + timesBack) return false;
      // A late ask takes its item out again.
      if (!this.added.has(n) && !this.#refused.has(n) && !this.#asked.has(n)) return false;
    }
    return true;
  }

  /** Of those that stood in the queue, or before it, when the call began. */
  #isInOrder(): boolean {
    const isEarlier = (n: number): boolean => n < this.#earlierCount && !this.#back.includes(n);
    const earlier = this.#drained.filter(isEarlier);
    return earlier.every((n, index) => index === 0 || n > (earlier[index - 1] ?? n));
  }
}

const CALLS = {
  put: (ledger, dress) => ledger.put("put", dress),
  tryPut: (ledger) => ledger.tryPut(),
  ask: (ledger, dress) => ledger.put("ask", dress),
  get: (ledger, dress) => ledger.get(dress),
  tryGet: (ledger) => ledger.tryGet(),
  done: (ledger) => ledger.settle("done"),
  fail: (ledger) => ledger.settle("fail"),
  putBack: (ledger) => ledger.settle("putBack"),
  consume: (ledger, dress) => ledger.consume(dress),
  stop: (ledger, dress) => ledger.stop(dress),
  loop: (ledger, dress) => ledger.loop(dress),
  join: (ledger, dress) => ledger.join(dress),
  close: (ledger, dress) => ledger.close(false, dress),
  drop: (ledger, dress) => ledger.close(true, dress),
  pause: ({ stage }) => stage.queue.pause(),
  resume: ({ stage }) => stage.queue.resume(),
  abort: (ledger) => ledger.abort(),
  look: ({ stage }) => void stage.queue.snapshot(),
} satisfies Record<string, (ledger: QueueLedger, dress: Dress) => void>;

export type QueueCall = keyof typeof CALLS;
export const QUEUE_CALLS = Object.keys(CALLS) as QueueCall[];

export function faultsIn(facts: readonly (readonly [holds: boolean, fact: string])[]): string[] {
  return facts.filter(([holds]) => !holds).map(([, fact]) => fact);
}
