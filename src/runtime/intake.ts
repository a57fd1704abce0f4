import { backoffMs } from "../core/backoff.ts";
import type { Clock, Random, Timers } from "../core/clock.ts";
import { toErrorRecord } from "../core/error-record.ts";
import { UnjamError } from "../core/errors.ts";
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
  readonly #answer: (message: AddedMessage) => void;
  readonly #onAdding: (queue: string) => void;
  readonly #onDelayed: (runAt: number) => void;
  readonly #onFull: (queue: string, capacity: number) => void;

  constructor(options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly random: Random;
    readonly answer: (message: AddedMessage) => void;
    /** Right after the add was submitted, so that a claim can share its commit. */
    readonly onAdding: (queue: string) => void;
    readonly onDelayed: (runAt: number) => void;
    readonly onFull: (queue: string, capacity: number) => void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#random = options.random;
    this.#answer = options.answer;
    this.#onAdding = options.onAdding;
    this.#onDelayed = options.onDelayed;
    this.#onFull = options.onFull;
  }

  /** Callers that wait for room, over all queues. */
  get waiterCount(): number {
    return [...this.#rooms.values()].reduce((sum, room) => sum + room.size, 0);
  }

  add(requests: readonly AddRequest[]): void {
    for (const request of requests) {
      const { queue, runAt } = request.group.shape;
      const room = this.#rooms.get(queue);
      // Behind those who wait already: a newcomer must not take the room that frees up for them.
      if (room !== undefined && room.size > 0 && request.whenFull === "wait") {
        this.#park(room, request, null);
        continue;
      }
      this.#try({ request, indexes: null, tries: 0 });
      if (runAt === null) this.#onAdding(queue);
      else this.#onDelayed(runAt);
    }
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
  }

  #answered(entry: Entry, answer: AddAnswer): void {
    const { request, indexes } = entry;
    this.#rooms.get(request.group.shape.queue)?.answered();
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

  #refusedFull(entry: Entry, outcome: AddOutcome & { readonly kind: "full" }): void {
    const { request, tries } = entry;
    const { whenFull, group, waitersMax } = request;
    if (whenFull === "reject" || !outcome.hasConsumer) {
      this.#tellAll(entry, outcome);
    } else if (whenFull === "wait") {
      let room = this.#rooms.get(group.shape.queue);
      if (room === undefined) {
        room = this.#newRoom(group.shape.queue, outcome);
        this.#rooms.set(group.shape.queue, room);
      }
      if (tries > 0) room.back({ ...entry, tries: tries + 1 });
      else this.#park(room, request, entry.indexes);
    } else {
      const delayMs = backoffMs(whenFull.retry, tries + 1, this.#random);
      const leftMs = request.deadline - this.#clock.now();
      if (tries + 1 > waitersMax || delayMs >= leftMs) this.#tellAll(entry, outcome);
      else this.#timers.after(delayMs, () => this.#try({ ...entry, tries: tries + 1 }));
    }
  }

  #park(room: WaitingRoom, request: AddRequest, indexes: readonly number[] | null): void {
    const { queue } = request.group.shape;
    const isAtomic = request.group.atomic;
    const parts = isAtomic ? [null] : (indexes ?? request.group.ids.map((_, index) => index));
    for (const part of parts) {
      const entry: Entry = { request, indexes: part === null ? null : [part], tries: 1 };
      if (room.size < request.waitersMax) {
        room.enter(entry);
        continue;
      }
      const details = { queue, waitersMax: request.waitersMax };
      const error = toErrorRecord(new UnjamError("UNJAM_TOO_MANY_WAITERS", details));
      this.#tellAll(entry, { kind: "error", error });
    }
  }

  #newRoom(queue: string, outcome: AddOutcome & { readonly kind: "full" }): WaitingRoom {
    const ports = { clock: this.#clock, timers: this.#timers };
    return new WaitingRoom(ports, {
      late: (entry) => this.#tellAll(entry, outcome),
      ready: () => this.roomFreed(queue),
    });
  }

  #failed(entry: Entry, error: unknown): void {
    this.#rooms.get(entry.request.group.shape.queue)?.answered();
    this.#tellAll(entry, { kind: "error", error: toErrorRecord(error) });
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
