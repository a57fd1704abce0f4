import { type Backoff, backoffMs } from "../core/backoff.ts";
import type { Clock, MonotonicMs, Random, Timer, Timers } from "../core/clock.ts";
import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
import type { JobNumber } from "../core/job.ts";
import type { AddAnswer, AddOutcome, Store } from "../store/store.ts";
import type { Added, AddedMessage, AddRequest } from "./messages.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** One or more jobs that are decided together: a whole group, or one refused job of it. */
export interface Entry {
  readonly request: AddRequest;
  /** Indexes into the request's group; `null` is all of them. */
  readonly indexes: readonly number[] | null;
  /** Tries so far, for `whenFull: { retry }`. */
  readonly tries: number;
}

/** What became of jobs of one answer, once drops are taken out of it. */
type PlainAnswer = "added" | readonly Exclude<Added, { readonly kind: "error" }>[];

type FullOutcome = AddOutcome & { readonly kind: "full" };

/**
 * Takes new jobs to the store and answers the caller. Jobs that find their queue full wait in the
 * queue's waiting room, in order, until there is room, their deadline comes, or the last consumer
 * is gone: nobody waits for room that cannot come.
 */
export class Intake {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #rooms = new Map<string, WaitingRoom>();
  /** Callers by queue that wait for their next try, with `whenFull: { retry }`. */
  readonly #retrying = new Map<string, Map<Entry, Timer>>();
  readonly #answer: (message: AddedMessage) => void;
  readonly #onAdding: (queue: string) => void;
  readonly #onDelayed: (runAt: number) => void;
  readonly #onFull: (queue: string, capacity: number) => void;
  readonly #onWaitersChange: (queue: string) => void;
  readonly #onTurnedAway: (queue: string) => void;
  readonly #onDropped: (queue: string, ids: readonly JobNumber[]) => void;

  constructor(options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly random: Random;
    readonly answer: (message: AddedMessage) => void;
    /** Right after a first try was submitted, so that a claim can share its commit; else once a job is in. */
    readonly onAdding: (queue: string) => void;
    readonly onDelayed: (runAt: number) => void;
    /** A queue was found full; what that came to is told next. */
    readonly onFull: (queue: string, capacity: number) => void;
    /** Somebody has begun to wait for room, or waits no more. */
    readonly onWaitersChange: (queue: string) => void;
    /** Somebody was refused, at once or in the end, or lost a job. */
    readonly onTurnedAway: (queue: string) => void;
    /** Jobs that an overflow policy dropped: new ones, or ones that waited. Comes before `onFull`. */
    readonly onDropped: (queue: string, ids: readonly JobNumber[]) => void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#random = options.random;
    this.#answer = options.answer;
    this.#onAdding = options.onAdding;
    this.#onDelayed = options.onDelayed;
    this.#onFull = options.onFull;
    this.#onWaitersChange = options.onWaitersChange;
    this.#onTurnedAway = options.onTurnedAway;
    this.#onDropped = options.onDropped;
  }

  /** Callers that wait for room, over all queues. */
  get waiterCount(): number {
    let count = 0;
    for (const room of this.#rooms.values()) count += room.size;
    for (const retrying of this.#retrying.values()) count += retrying.size;
    return count;
  }

  /** Callers that wait for room in one queue. Asked for each that comes or goes. */
  waiterCountOf(queue: string): number {
    return (this.#retrying.get(queue)?.size ?? 0) + (this.#rooms.get(queue)?.size ?? 0);
  }

  /** Since when the first of them waits. Looks at many of them: not for every job. */
  waitingSinceOf(queue: string): MonotonicMs | undefined {
    const first = this.#rooms.get(queue)?.waitingSince;
    const times = first === undefined ? [] : [first];
    for (const { request } of this.#retrying.get(queue)?.keys() ?? []) times.push(request.since);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Numbers of the batches of which somebody waits for room. */
  get parkedBatches(): readonly number[] {
    const entries = [...this.#rooms.values()].flatMap((room) => room.entries);
    for (const retrying of this.#retrying.values()) entries.push(...retrying.keys());
    return [...new Set(entries.map(({ request }) => request.batch))];
  }

  add(requests: readonly AddRequest[]): void {
    for (const request of requests) {
      const room = this.#rooms.get(request.group.shape.queue);
      // Behind those who wait already: a newcomer must not take the room that frees up for them.
      if (room !== undefined && room.size > 0 && mustWaitInLine(request)) {
        this.#park(room, request, null);
      } else {
        this.#try({ request, indexes: null, tries: 0 });
      }
    }
  }

  /** Refuses everyone who still waits: the engine ends, and nobody will let them in. */
  close(): void {
    const error = toErrorRecord(new UnjamError("UNJAM_CLOSED", { what: "an enqueue that waited" }));
    const waiting = [...this.#rooms.values()].flatMap((room) => room.clear());
    for (const retrying of this.#retrying.values()) {
      for (const timer of retrying.values()) timer.cancel();
      waiting.push(...retrying.keys());
    }
    this.#retrying.clear();
    for (const entry of waiting) this.#tellAll(entry, { kind: "error", error });
    for (const queue of new Set(waiting.map(queueOf))) this.#onWaitersChange(queue);
  }

  /** Room may have come free in the queue: lets its first waiters try. */
  roomFreed(queue: string): void {
    const room = this.#rooms.get(queue);
    if (room === undefined) return;
    for (const entry of room.take()) this.#try(entry);
  }

  /** Someone else may have freed room, or the last consumer may have gone. */
  lookAgain(): void {
    for (const queue of this.#rooms.keys()) this.roomFreed(queue);
  }

  #try(entry: Entry): void {
    const { request, indexes } = entry;
    const { group } = request;
    const part =
      indexes === null
        ? group
        : {
            ...group,
            ids: indexes.map((index) => group.ids[index] ?? 0),
            payloads: indexes.map((index) => group.payloads[index] ?? ""),
          };
    this.#store.add([part], request.answerBy).then(
      ([answer]) => this.#answered(entry, answer ?? "added"),
      (error: unknown) => this.#failed(entry, error),
    );
    const { queue, runAt } = group.shape;
    if (entry.tries === 0 && runAt === null) this.#onAdding(queue);
  }

  /** Only once it is in: a caller who still waits must wake nobody, or the two would spin. */
  #noteAdded({ request, tries }: Entry): void {
    const { queue, runAt } = request.group.shape;
    if (runAt !== null) this.#onDelayed(runAt);
    // What was due when the store took it is ready already: the waker will not find it.
    const mayBeReady = runAt === null ? tries > 0 : runAt <= this.#clock.wallNow();
    if (mayBeReady) this.#onAdding(queue);
  }

  /** One of those who wait in line has its answer; the first try of a newcomer is not one. */
  #noteTried({ request, tries }: Entry): void {
    if (tries === 0 || request.whenFull !== "wait") return;
    this.#rooms.get(request.group.shape.queue)?.answered();
  }

  #answered(entry: Entry, stored: AddAnswer): void {
    this.#noteTried(entry);
    this.#takeAnswer(entry, stored);
    if (entry.tries > 0) this.#onWaitersChange(queueOf(entry));
  }

  #takeAnswer(entry: Entry, stored: AddAnswer): void {
    const { request, indexes } = entry;
    const answer = stored === "added" ? stored : this.#withoutDrops(entry, stored);
    if (answer === "added" || answer.some(({ kind }) => kind === "added")) this.#noteAdded(entry);
    if (answer === "added") {
      const outcomes =
        indexes === null ? "added" : indexes.map((index) => [index, { kind: "added" }] as const);
      this.#answer({ type: "added", batch: request.batch, outcomes });
      return;
    }
    const full = answer.find((outcome) => outcome.kind === "full");
    if (full !== undefined) this.#onFull(request.group.shape.queue, full.capacity);
    if (request.group.atomic) {
      if (full === undefined) this.#tell(entry, answer);
      else this.#refusedFull(entry, full);
      return;
    }
    const known: (readonly [number, Added])[] = [];
    for (const [position, outcome] of answer.entries()) {
      const index = indexes?.[position] ?? position;
      if (outcome.kind === "full")
        this.#refusedFull({ request, indexes: [index], tries: entry.tries }, outcome);
      else known.push([index, outcome]);
    }
    if (known.length > 0) this.#answer({ type: "added", batch: request.batch, outcomes: known });
  }

  /** For the caller a dropped job is one that was stored; what became of it is in its record. */
  #withoutDrops({ request, indexes }: Entry, outcomes: readonly AddOutcome[]): PlainAnswer {
    const { ids, shape } = request.group;
    const dropped: JobNumber[] = [];
    let capacity = 0;
    const plain = outcomes.map((outcome, position) => {
      if (outcome.kind !== "dropped" && outcome.kind !== "displaced") return outcome;
      const own = ids[indexes?.[position] ?? position] ?? 0;
      dropped.push(...(outcome.kind === "dropped" ? [own] : outcome.dropped));
      capacity = outcome.capacity;
      return { kind: "added" } as const;
    });
    if (dropped.length > 0) {
      this.#onDropped(shape.queue, dropped);
      this.#onFull(shape.queue, capacity);
      this.#onTurnedAway(shape.queue);
    }
    return plain;
  }

  #refusedFull(entry: Entry, outcome: FullOutcome): void {
    const { request, tries } = entry;
    const { whenFull, group } = request;
    const canNeverFit = group.atomic && group.ids.length > outcome.capacity;
    if (typeof whenFull === "object" && outcome.hasConsumer && !canNeverFit) {
      this.#retryLater(entry, whenFull.retry, outcome);
    } else if (whenFull === "wait" && outcome.hasConsumer && !canNeverFit) {
      let room = this.#rooms.get(group.shape.queue);
      if (room === undefined) {
        room = this.#newRoom(group.shape.queue, outcome);
        this.#rooms.set(group.shape.queue, room);
      }
      if (tries > 0) room.back({ ...entry, tries: tries + 1 });
      else this.#park(room, request, entry.indexes);
    } else {
      this.#turnAway(entry, outcome);
    }
  }

  #retryLater(entry: Entry, backoff: Backoff, outcome: FullOutcome): void {
    const { request, tries } = entry;
    const { queue } = request.group.shape;
    const retrying = this.#retrying.get(queue) ?? new Map<Entry, Timer>();
    this.#retrying.set(queue, retrying);
    const waiterCount = retrying.size + (this.#rooms.get(queue)?.size ?? 0);
    const delayMs = backoffMs(backoff, tries + 1, this.#random);
    if (tries === 0 && waiterCount >= request.waitersMax) {
      this.#tellTooMany(entry);
    } else if (delayMs >= request.deadline - this.#clock.now()) {
      this.#turnAway(entry, outcome);
    } else {
      const timer = this.#timers.after(delayMs, () => {
        retrying.delete(entry);
        this.#try({ ...entry, tries: tries + 1 });
      });
      retrying.set(entry, timer);
      this.#onWaitersChange(queue);
    }
  }

  #park(room: WaitingRoom, request: AddRequest, indexes: readonly number[] | null): void {
    const isAtomic = request.group.atomic;
    const parts = isAtomic ? [null] : (indexes ?? request.group.ids.map((_, index) => index));
    for (const part of parts) {
      const entry: Entry = { request, indexes: part === null ? null : [part], tries: 1 };
      if (room.size < request.waitersMax) room.enter(entry);
      else this.#tellTooMany(entry);
    }
    if (room.size > 0) this.#onWaitersChange(request.group.shape.queue);
  }

  #tellTooMany(entry: Entry): void {
    const { group, waitersMax } = entry.request;
    const { queue } = group.shape;
    const details = { what: `room in queue "${queue}"`, queue, waitersMax };
    const error = toErrorRecord(new UnjamError("UNJAM_TOO_MANY_WAITERS", details));
    this.#turnAway(entry, { kind: "error", error });
  }

  #newRoom(queue: string, outcome: FullOutcome): WaitingRoom {
    const ports = { clock: this.#clock, timers: this.#timers };
    return new WaitingRoom(ports, {
      late: (entry) => {
        this.#turnAway(entry, outcome);
        this.#onWaitersChange(queue);
      },
      ready: () => this.roomFreed(queue),
    });
  }

  #failed(entry: Entry, error: unknown): void {
    this.#noteTried(entry);
    this.#tellAll(entry, { kind: "error", error: toErrorRecord(error) });
    if (entry.tries > 0) this.#onWaitersChange(queueOf(entry));
  }

  #turnAway(entry: Entry, outcome: Added): void {
    this.#onTurnedAway(queueOf(entry));
    this.#tellAll(entry, outcome);
  }

  #tell({ request, indexes }: Entry, outcomes: readonly Added[]): void {
    const pairs = outcomes.map(
      (outcome, position) => [indexes?.[position] ?? position, outcome] as const,
    );
    this.#answer({ type: "added", batch: request.batch, outcomes: pairs });
  }

  #tellAll(entry: Entry, outcome: Added): void {
    const count = entry.indexes?.length ?? entry.request.group.ids.length;
    this.#tell(
      entry,
      Array.from({ length: count }, () => outcome),
    );
  }
}

function queueOf({ request }: Entry): string {
  return request.group.shape.queue;
}

/** A job with a name may be stored already, and then needs no room: only the store can tell. */
function mustWaitInLine({ whenFull, group: { shape } }: AddRequest): boolean {
  return whenFull === "wait" && shape.callerId === null && shape.key === null;
}
