/** One interleaving: the same calls to a queue and to its model, compared after each of them. */
import type { Scheduler } from "fast-check";
import type { Lease } from "../../src/sync/lease.ts";
import type { JoinableQueue } from "../../src/sync/joinable-queue.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { aQueue, checkQueue, heldIn } from "./interleaved-queue.ts";
import { type Command, expectThat, RETRY_MS, type Shape } from "./interleaved-command.ts";
import { ABORTED, checkWait, FAILURE, type OpenWait } from "./interleaved-wait.ts";
import { type Expected, type ModelWait, QueueModel } from "./queue-model.ts";
import { type Watched, watch } from "./queue-stage.ts";

/** What became of an item whose holder is through with it. */
interface Ending {
  readonly end: "done" | "failed";
  readonly answer: Expected;
}

/** Items of a consumer at which its nested commands run. */
const NESTED_MAX = 3;

export class InterleavedRun {
  readonly #clock = new ManualClock();
  readonly #queue: JoinableQueue<number, number>;
  readonly #model: QueueModel;
  readonly #scheduler: Scheduler;
  readonly #waitMs: number;
  readonly #waits: OpenWait[] = [];
  readonly #leases: Lease<number>[] = [];
  readonly #leased = new Set<number>();
  /** Ends a consumer or a loop. */
  readonly #stops: (() => void)[] = [];
  readonly #finished: Watched<void>[] = [];
  /** What went wrong inside of handlers, whose throws the queue would take for theirs. */
  readonly #faults: unknown[] = [];
  readonly #started = new Set<number>();
  /** Items whose holder is through, and what was or will be told of them. */
  readonly #ended = new Map<number, Ending>();
  #nextId = 0;

  constructor(scheduler: Scheduler, { capacity, order, waitMs }: Shape) {
    this.#scheduler = scheduler;
    this.#waitMs = waitMs;
    this.#model = new QueueModel(capacity, order);
    this.#queue = aQueue({ capacity, order, clock: this.#clock }, (kind, run) =>
      kind === "deadline" ? this.#onDeadlines(run) : this.#onRetry(run),
    );
    this.#queue.on("died", () => this.#onDied());
  }

  /** Commands of one burst run in one turn; then all that follows from them happens. */
  async burst(commands: readonly Command[]): Promise<void> {
    for (const command of commands) {
      if (command.do === "advance") {
        await this.#clock.advance(command.ms);
        continue;
      }
      this.#step(command);
    }
    await this.#rest();
  }

  /** Lets all come to its end, and looks whether it has. */
  async end(): Promise<void> {
    const { waitIdle } = this.#scheduler;
    await this.burst([{ do: "resume" }]);
    await waitIdle.call(this.#scheduler);
    for (let round = 0; this.#queue.unfinished > 0; round++) {
      expectThat(round < 1_000, "what is unfinished can be finished");
      await this.burst([{ do: "resume" }, { do: "tryGet" }, { do: "done", which: 0 }]);
      if (this.#scheduler.count() > 0) await waitIdle.call(this.#scheduler);
      await this.#rest();
    }
    await this.burst([{ do: "close", drop: false }]);
    await this.#clock.advance(60_000);
    await this.#rest();
    for (const { watched, wait } of this.#waits) {
      expectThat(!watched.isPending, `a ${wait.kind} ends`);
    }
    for (const finished of this.#finished) expectThat(!finished.isPending, "a consumer ends");
    for (const [id, place] of this.#model.places) {
      expectThat(["done", "failed", "dropped"].includes(place), `${id} has come to an end`);
    }
    const { size, unfinished, putters, takers, consumers, holders } = this.#queue.snapshot();
    const left = [size, unfinished, putters, takers, consumers, holders.length];
    expectThat(
      left.every((count) => count === 0),
      `nothing is left: ${left.join(" ")}`,
    );
  }

  #step(command: Exclude<Command, { do: "advance" }>): void {
    if (this.#faults.length > 0) throw this.#faults[0];
    this.#observe();
    this.#model.takers = this.#queue.snapshot().takers;
    this.#run(command);
    this.#compare(command.do);
  }

  #run(command: Exclude<Command, { do: "advance" }>): void {
    const { which } = { which: 0, ...command };
    switch (command.do) {
      case "put":
      case "ask":
        this.#put(command);
        return;
      case "tryPut": {
        const id = this.#nextId++;
        expectThat(this.#queue.tryPut(id) === this.#model.tryPut(id), "tryPut tells whether");
        return;
      }
      case "tryGet":
        this.#model.hadGetter = true;
        this.#taken(this.#queue.tryGet(), this.#model.take());
        return;
      case "get":
        this.#get(command.timed);
        return;
      case "join":
        this.#join(command.timed);
        return;
      case "done":
      case "fail":
      case "putBack":
        this.#settle(command.do, which);
        return;
      case "abort":
        this.#abort(which);
        return;
      case "pause":
        this.#model.isPaused = true;
        this.#queue.pause();
        return;
      case "resume":
        this.#model.resume();
        this.#queue.resume();
        return;
      case "consume":
        this.#consume(command);
        return;
      case "loop":
        this.#loop(command);
        return;
      case "stop":
        this.#stop(which);
        return;
      case "close":
        this.#model.close(command.drop);
        this.#queue.close({ drop: command.drop });
    }
  }

  #put({ do: kind, whenFull, timed }: Extract<Command, { do: "put" | "ask" }>): void {
    const { wait, stop, terms } = this.#begin(kind, timed);
    // The fast ways have no options; the model must not care.
    const isPlain = !timed && this.#model.hasRoom;
    const retry = { firstMs: RETRY_MS, factor: 1, maxMs: RETRY_MS, jitter: 0 };
    const policy = whenFull === "retry" ? { retry } : whenFull;
    const options = isPlain ? undefined : { ...terms, whenFull: policy };
    const promise = this.#queue[kind](wait.id, options);
    this.#watch(wait, promise, isPlain ? undefined : stop);
    this.#model.put(wait, whenFull);
  }

  #get(timed: boolean): void {
    this.#model.hadGetter = true;
    const { wait, stop, terms } = this.#begin("get", timed);
    const promise = this.#queue.get(terms);
    const isHere = this.#model.queue.length > 0 && !this.#model.isPaused;
    this.#watch(wait, promise, stop);
    const got = promise.then(
      (lease) => {
        wait.expected = { value: lease };
        this.#leases.push(lease);
        this.#leased.add(lease.value);
      },
      () => undefined,
    );
    void got;
    if (isHere) {
      const id = this.#model.take();
      if (id !== undefined) this.#leased.add(id);
    } else if (this.#model.phase !== "closed" || this.#model.unfinished > 0) {
      this.#model.waits.push(wait);
      this.#model.takers++;
    } else wait.expected = { code: "UNJAM_QUEUE_CLOSED" };
  }

  #join(timed: boolean): void {
    const { wait, stop, terms } = this.#begin("join", timed);
    this.#watch(wait, this.#queue.join(terms), stop);
    this.#model.join(wait);
  }

  #settle(end: "done" | "fail" | "putBack", which: number): void {
    const [lease] = this.#leases.splice(which % Math.max(1, this.#leases.length), 1);
    if (lease === undefined) return;
    const { value: id } = lease;
    this.#leased.delete(id);
    if (end === "done") this.#model.settle(id, "done", { value: undefined });
    else if (end === "fail") this.#model.settle(id, "failed", { code: "FAILED" });
    else this.#model.putBack(id);
    lease[end](FAILURE);
  }

  #abort(which: number): void {
    const open = this.#waits.filter(
      ({ stop, watched }) => stop?.signal.aborted === false && watched.isPending,
    );
    const chosen = open[which % Math.max(1, open.length)];
    if (chosen === undefined) return;
    const { wait, stop } = chosen;
    const before = this.#queue.snapshot();
    stop?.abort(ABORTED);
    if (wait.kind === "get") {
      // Whether it or a slot was given the last item, only its promise will tell.
      const takers = before.takers - this.#queue.snapshot().takers;
      expectThat(takers === 0 || takers === 1, "an abort ends one wait");
      if (takers === 1) this.#model.end(wait, "aborted");
    } else this.#model.end(wait, "aborted");
  }

  #consume(command: Extract<Command, { do: "consume" }>): void {
    if (this.#model.phase === "closed") return;
    const { concurrency, restartsMax, nested } = command;
    let nestedCount = 0;
    const handler = async (id: number): Promise<number> => {
      this.#started.add(id);
      this.#inside(() => this.#observe());
      await this.#scheduler.schedule(Promise.resolve(), `the handler of ${id}`);
      this.#inside(() => {
        this.#observe();
        // Not for ever: what a handler puts may come to it again.
        if (nestedCount++ < NESTED_MAX) for (const each of nested) this.#step(each);
      });
      const isFailed = id % 5 === 4;
      const answer = isFailed ? { code: "FAILED" } : { value: id };
      this.#ended.set(id, { end: isFailed ? "failed" : "done", answer });
      if (isFailed) throw FAILURE;
      return id;
    };
    const restarts = restartsMax === null ? {} : { restarts: { max: restartsMax } };
    const consumer = this.#queue.consume(handler, { concurrency, ...restarts });
    this.#stops.push(() => consumer.stop());
    this.#finished.push(watch(consumer.finished));
    this.#model.consumerStarted();
  }

  #loop({ count, timed }: Extract<Command, { do: "loop" }>): void {
    const stop = new AbortController();
    const { signal } = stop;
    const items = this.#queue.items(timed ? { waitMs: this.#waitMs, signal } : { signal });
    this.#stops.push(() => stop.abort(ABORTED));
    this.#model.consumerStarted();
    const loop = async (): Promise<void> => {
      let left = count;
      for await (const id of items) {
        this.#started.add(id);
        this.#inside(() => this.#observe());
        await this.#scheduler.schedule(Promise.resolve(), `the loop with ${id}`);
        this.#inside(() => this.#observe());
        // Now it asks for the next item, or is left.
        this.#ended.set(id, { end: "done", answer: { value: undefined } });
        if (--left === 0) break;
      }
    };
    this.#finished.push(watch(loop()));
    // It has taken its first item, if there was one.
    this.#observe();
  }

  #stop(which: number): void {
    const stop = this.#stops[which % Math.max(1, this.#stops.length)];
    const before = this.#queue.consumers;
    stop?.();
    this.#givenBack();
    if (this.#queue.consumers < before) this.#model.consumerLeft("stopped");
  }

  /** Right after a consumer has gone, before anybody is told. */
  #onDied(): void {
    this.#inside(() => {
      this.#observe(1);
      this.#givenBack();
      this.#model.consumerLeft("died");
    });
  }

  /** Runs in code that the queue calls. */
  #inside(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#faults.push(error);
    }
  }

  /** What was on its way to a slot stands in front again, as it stood before. */
  #givenBack(): void {
    const held = this.#heldNow();
    const back = [...this.#model.held].filter((id) => !held.has(id));
    for (const id of back.toReversed()) {
      expectThat(!this.#started.has(id) && !this.#leased.has(id), `${id} had not begun`);
      this.#model.takers = 0;
      this.#model.putBack(id);
    }
  }

  #onRetry(run: () => void): void {
    this.#observe();
    this.#model.takers = this.#queue.snapshot().takers;
    this.#model.retryFirst();
    run();
    this.#compare("retry");
  }

  #onDeadlines(run: () => void): void {
    this.#observe();
    this.#model.takers = this.#queue.snapshot().takers;
    run();
    this.#model.expire(this.#clock.now());
    this.#compare("deadlines");
  }

  /** What consumers did since the last look; of those who died, `dying` are not gone for the model. */
  #observe(dying = 0): void {
    const held = this.#heldNow();
    for (const id of [...this.#model.held].filter((each) => !held.has(each))) {
      const ending = this.#ended.get(id);
      // Given back by the one who dies right now.
      if (ending === undefined && dying > 0) continue;
      if (ending === undefined) throw new Error(`${id} left its holder, who had not ended`);
      this.#ended.delete(id);
      this.#started.delete(id);
      this.#model.settle(id, ending.end, ending.answer);
    }
    this.#model.takers = 0;
    const taken = [...held].filter((id) => !this.#model.held.has(id));
    for (const _ of taken) {
      const id = this.#model.take();
      expectThat(id !== undefined && held.has(id), `${taken.join()} taken, and ${id} was next`);
    }
    // Loops that were left, and consumers of a queue that is over.
    while (this.#queue.consumers + dying < this.#model.liveConsumers) {
      this.#model.consumerLeft("stopped");
    }
  }

  #taken(lease: Lease<number> | undefined, id: number | undefined): void {
    expectThat(lease?.value === id, `tryGet took ${lease?.value}, and ${id} was next`);
    if (lease === undefined) return;
    this.#leases.push(lease);
    this.#leased.add(lease.value);
  }

  #compare(after: string): void {
    checkQueue(this.#queue.snapshot(), this.#model, after);
  }

  /** All promises have been told by now what the model says. */
  async #rest(): Promise<void> {
    await this.#clock.rest();
    if (this.#faults.length > 0) throw this.#faults[0];
    this.#observe();
    this.#compare("rest");
    const now = this.#clock.now();
    for (const wait of this.#waits) checkWait(wait, now);
  }

  #begin(
    kind: ModelWait["kind"],
    timed: boolean,
  ): {
    readonly wait: ModelWait;
    readonly stop: AbortController;
    readonly terms: { readonly waitMs: number; readonly signal: AbortSignal };
  } {
    const stop = new AbortController();
    const waitMs = timed ? this.#waitMs : 30_000;
    const id = kind === "put" || kind === "ask" ? this.#nextId++ : -1;
    const deadlineAt = this.#clock.now() + waitMs;
    const wait: ModelWait = { kind, id, deadlineAt, expected: "pending" };
    return { wait, stop, terms: { waitMs, signal: stop.signal } };
  }

  #watch(wait: ModelWait, promise: Promise<unknown>, stop: AbortController | undefined): void {
    this.#waits.push({ wait, watched: watch(promise), stop });
  }

  #heldNow(): Set<number> {
    return heldIn(this.#queue.snapshot());
  }
}
